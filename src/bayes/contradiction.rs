//! A smallest set of findings that cannot all be true.

use crate::ground::Result;

/// Sets of so many findings are tried one by one, from the smallest,
const EXACT: usize = 3;
/// while there are no more than so many of a size.
const TRIED: usize = 20_000;

/// Indices below `count`, ascending, of a smallest set that is not `possible`: smallest of all where sets of up to three
/// are, else one from which nothing can be left out.
///
/// # Errors
/// Those of `possible`.
pub fn smallest(count: usize, possible: &mut dyn FnMut(&[usize]) -> Result<bool>) -> Result<Vec<usize>> {
    // What nothing can be left out of bounds the size, and often is small already.
    let mut core: Vec<usize> = (0..count).collect();
    let mut at = 0;
    while at < core.len() {
        let without: Vec<usize> = core.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, &k)| k).collect();
        if possible(&without)? {
            at += 1;
        } else {
            core = without;
        }
    }
    for size in 1..core.len().min(EXACT + 1) {
        let mut subset: Vec<usize> = (0..size).collect();
        let sets = (0..size).fold(1usize, |n, i| n.saturating_mul(count - i) / (i + 1));
        if sets > TRIED {
            break;
        }
        loop {
            if !possible(&subset)? {
                return Ok(subset);
            }
            let Some(i) = (0..size).rev().find(|&i| subset[i] + size < count + i) else { break };
            subset[i] += 1;
            for j in i + 1..size {
                subset[j] = subset[j - 1] + 1;
            }
        }
    }
    Ok(core)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_of_several_is_found() {
        let bad = [vec![0, 1, 2, 3, 4], vec![5, 7], vec![6, 8, 9]];
        let mut possible = |set: &[usize]| Ok(!bad.iter().any(|b| b.iter().all(|k| set.contains(k))));
        assert_eq!(smallest(10, &mut possible).unwrap(), vec![5, 7]);
    }

    #[test]
    fn one_alone_and_large_ones() {
        assert_eq!(smallest(4, &mut |set| Ok(!set.contains(&2))).unwrap(), vec![2]);
        assert_eq!(smallest(6, &mut |set| Ok(set.len() < 6)).unwrap(), (0..6).collect::<Vec<_>>());
    }
}
