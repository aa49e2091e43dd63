//! Which rungs lead where: communicating classes, closed ones, and what can be reached.

/// The moves out of each rung, or into each, as lists: those of rung i are `to[starts[i]..starts[i + 1]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Links {
    pub starts: Vec<usize>,
    pub to: Vec<u32>,
}

impl Links {
    /// Number of rungs.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there is no rung.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rungs that one move leads to.
    pub fn of(&self, i: usize) -> &[u32] {
        &self.to[self.starts[i]..self.starts[i + 1]]
    }

    /// The same moves the other way.
    pub fn turned(&self) -> Links {
        let n = self.len();
        let mut starts = vec![0; n + 1];
        self.to.iter().for_each(|&j| starts[j as usize + 1] += 1);
        for i in 0..n {
            starts[i + 1] += starts[i];
        }
        let mut at = starts.clone();
        let mut to = vec![0; self.to.len()];
        for i in 0..n {
            for &j in self.of(i) {
                to[at[j as usize]] = i as u32;
                at[j as usize] += 1;
            }
        }
        Links { starts, to }
    }

    /// What can be reached from the rungs marked in `from`, these included, by way of rungs marked in `through` alone.
    pub fn reached(&self, from: &[bool], through: impl Fn(usize) -> bool) -> Vec<bool> {
        let mut seen = from.to_vec();
        let mut stack: Vec<usize> = (0..self.len()).filter(|&i| from[i]).collect();
        while let Some(i) = stack.pop() {
            for &j in self.of(i) {
                let j = j as usize;
                if !seen[j] && through(j) {
                    seen[j] = true;
                    stack.push(j);
                }
            }
        }
        seen
    }

    /// The strongly connected classes (Tarjan 1972): each rung's class, and how many there are. A class is numbered after
    /// those that it leads to.
    pub fn classes(&self) -> (Vec<usize>, usize) {
        let n = self.len();
        let (mut class, mut classes) = (vec![usize::MAX; n], 0);
        let (mut order, mut low) = (vec![usize::MAX; n], vec![0; n]);
        let (mut open, mut path, mut clock) = (vec![], vec![], 0);
        for root in 0..n {
            if order[root] != usize::MAX {
                continue;
            }
            path.push((root, self.starts[root]));
            while let Some((i, next)) = path.pop() {
                if next == self.starts[i] && order[i] == usize::MAX {
                    (order[i], low[i]) = (clock, clock);
                    clock += 1;
                    open.push(i);
                }
                if next < self.starts[i + 1] {
                    path.push((i, next + 1));
                    let j = self.to[next] as usize;
                    if order[j] == usize::MAX {
                        path.push((j, self.starts[j]));
                    } else if class[j] == usize::MAX {
                        low[i] = low[i].min(order[j]);
                    }
                    continue;
                }
                if low[i] == order[i] {
                    while let Some(j) = open.pop() {
                        class[j] = classes;
                        if j == i {
                            break;
                        }
                    }
                    classes += 1;
                }
                if let Some(&(parent, _)) = path.last() {
                    low[parent] = low[parent].min(low[i]);
                }
            }
        }
        (class, classes)
    }

    /// The closed classes, members ascending, in order of their first members: those that nothing leaves.
    pub fn closed(&self) -> Vec<Vec<usize>> {
        let (class, classes) = self.classes();
        let mut closed = vec![true; classes];
        for i in 0..self.len() {
            if self.of(i).iter().any(|&j| class[j as usize] != class[i]) {
                closed[class[i]] = false;
            }
        }
        let mut members: Vec<Vec<usize>> = vec![vec![]; classes];
        (0..self.len()).filter(|&i| closed[class[i]]).for_each(|i| members[class[i]].push(i));
        members.retain(|members| !members.is_empty());
        members.sort();
        members
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(n: usize, moves: &[(usize, u32)]) -> Links {
        let mut starts = vec![0];
        let mut to = vec![];
        for i in 0..n {
            to.extend(moves.iter().filter(|m| m.0 == i).map(|m| m.1));
            starts.push(to.len());
        }
        Links { starts, to }
    }

    #[test]
    fn classes_are_the_strongly_connected_ones() {
        let links = links(6, &[(0, 1), (1, 2), (2, 0), (2, 3), (3, 4), (4, 3), (0, 5)]);
        let (class, classes) = links.classes();
        assert_eq!(classes, 3);
        assert!(class[0] == class[1] && class[1] == class[2] && class[3] == class[4] && class[3] != class[0]);
        assert_eq!(links.closed(), vec![vec![3, 4], vec![5]]);
        assert_eq!(links.turned().turned(), links);
        let seen = links.reached(&[false, false, true, false, false, false], |j| j != 0);
        assert_eq!(seen, [false, false, true, true, true, false]);
    }

    #[test]
    fn a_long_path_needs_no_deep_recursion() {
        let moves: Vec<(usize, u32)> = (0..199).map(|i| (i, i as u32 + 1)).collect();
        assert_eq!(links(200, &moves).closed(), vec![vec![199]]);
    }
}
