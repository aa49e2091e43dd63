//! How much memory an exact answer may take: a setting, by default 60 % of what is free at first use.

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

fn free() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("MemAvailable:"))?;
    line.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kilobytes| kilobytes * 1024.0)
}
