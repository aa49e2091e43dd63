//! How much memory an exact answer may take: a setting, by default 60 % of what is free, to the machine and to
//! the process' control group, at first use.

use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

static MEMORY: AtomicU64 = AtomicU64::new(0);
static DEFAULT: OnceLock<f64> = OnceLock::new();

/// Bytes allowed.
pub fn memory() -> f64 {
    match MEMORY.load(Ordering::Relaxed) {
        0 => *DEFAULT.get_or_init(|| 0.6 * free().unwrap_or(8e9)),
        bits => f64::from_bits(bits),
    }
}

/// Sets the bytes allowed; anything that is not a positive number restores the default.
pub fn set_memory(bytes: f64) {
    MEMORY.store(if bytes > 0.0 { bytes.to_bits() } else { 0 }, Ordering::Relaxed);
}

/// What the machine has to spare, or the control group that the process is in, whichever is less.
fn free() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("MemAvailable:"))?;
    let machine = line.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kilobytes| kilobytes * 1024.0)?;
    let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    Some(groups.lines().flat_map(rooms).fold(machine, f64::min))
}

/// What each control group around the process has left, by a line of /proc/self/cgroup ("0::/path" in version 2,
/// "4:memory:/path" in version 1). In a container the path may lie outside what is mounted: the mount's root is asked too.
fn rooms(line: &str) -> Vec<f64> {
    let mut parts = line.splitn(3, ':').skip(1);
    let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { return vec![] };
    let (mount, names) = match controllers {
        "" => ("/sys/fs/cgroup", ["memory.max", "memory.current", "inactive_file"]),
        _ if controllers.split(',').any(|name| name == "memory") => {
            ("/sys/fs/cgroup/memory", ["memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"])
        }
        _ => return vec![],
    };
    let read = |group: &Path, name: &str| std::fs::read_to_string(Path::new(mount).join(group).join(name)).ok();
    let groups = Path::new(path.trim_start_matches('/')).ancestors();
    groups
        .filter_map(|group| {
            let statistics = read(group, "memory.stat").unwrap_or_default();
            room(&read(group, names[0])?, &read(group, names[1])?, &statistics, names[2])
        })
        .collect()
}

/// Limit less use, without the file cache that would be given up; `None` where there is no limit.
fn room(limit: &str, used: &str, statistics: &str, cache: &str) -> Option<f64> {
    let (limit, used): (f64, f64) = (limit.trim().parse().ok()?, used.trim().parse().ok()?);
    let cached = statistics.lines().find_map(|line| line.strip_prefix(cache)?.trim().parse::<f64>().ok());
    Some((limit - used + cached.unwrap_or(0.0)).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_group_leaves_its_limit_less_what_is_used() {
        let statistics = "anon 5\nfile 900\ninactive_file 300\n";
        assert_eq!(room("1000\n", "800\n", statistics, "inactive_file"), Some(500.0));
        assert_eq!(room("1000", "1200", "", "inactive_file"), Some(0.0));
        assert_eq!(room("max\n", "800\n", statistics, "inactive_file"), None);
        assert_eq!(rooms("nothing of the kind"), Vec::<f64>::new());
    }
}
