//! States of a computation read from its end to its beginning, where not all of them fit in memory.
//!
//! Some states are kept, those between are made again; where to keep them follows the binomial schedule (Griewank and
//! Walther 2000, ACM TOMS 26(1), Revolve): with s kept states, none of C(s + r, s) is made more than r times again.

/// States 0, 1, … made one from the other, read in descending order.
#[derive(Debug, Clone)]
pub struct Rewind<T> {
    /// (number, state), ascending.
    kept: Vec<(usize, T)>,
    slots: usize,
    spare: Vec<T>,
}

impl<T> Rewind<T> {
    /// From the first state, with room for so many.
    pub fn new(first: T, slots: usize) -> Self {
        Rewind { kept: vec![(0, first)], slots: slots.max(1), spare: vec![] }
    }

    /// From states that were kept on the way, the first among them.
    pub fn of(kept: Vec<(usize, T)>, slots: usize) -> Self {
        Rewind { kept, slots: slots.max(1), spare: vec![] }
    }

    /// A state, below those read before. `next` makes state k + 1 from state k, into one that is no longer needed if there
    /// is one; where it gives up, so does this.
    pub fn at<E>(
        &mut self,
        number: usize,
        mut next: impl FnMut(usize, &T, Option<T>) -> Result<Option<T>, E>,
    ) -> Result<Option<T>, E> {
        while self.kept.len() > 1 && self.kept.last().is_some_and(|top| top.0 > number) {
            self.spare.extend(self.kept.pop().map(|top| top.1));
        }
        loop {
            let Some(&(last, _)) = self.kept.last() else { return Ok(None) };
            if last >= number {
                return Ok(self.kept.pop().map(|top| top.1));
            }
            let target = place(last, number, self.slots.saturating_sub(self.kept.len()));
            let mut state: Option<T> = None;
            for step in last..target {
                let spare = self.spare.pop();
                let from = match (&state, self.kept.last()) {
                    (Some(state), _) => state,
                    (None, Some((_, kept))) => kept,
                    (None, None) => return Ok(None),
                };
                let Some(made) = next(step, from, spare)? else { return Ok(None) };
                self.spare.extend(state.replace(made));
            }
            let Some(state) = state else { return Ok(None) };
            if target == number {
                return Ok(Some(state));
            }
            self.kept.push((target, state));
        }
    }

    /// Takes a state back that has been read and is no longer needed.
    pub fn give(&mut self, state: T) {
        self.spare.push(state);
    }
}

/// Which state to keep next on the way from `last`, which is kept, to `number`, with room for `free` more.
pub fn place(last: usize, number: usize, free: usize) -> usize {
    let far = number - last;
    if free >= far {
        return last + 1;
    }
    if free == 0 {
        return number;
    }
    // C(free − 1 + r, r) states to the right of it are read before it has to be made again r times.
    let (mut own, mut right, mut rounds) = (1usize, 1usize, 0usize);
    while own < far {
        rounds += 1;
        right = right.saturating_mul(free - 1 + rounds) / rounds;
        own = own.saturating_mul(free + rounds) / rounds;
    }
    (number.saturating_sub(right)).clamp(last + 1, number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_come_back_in_order_and_few_are_made_again() {
        for (steps, slots, most) in [(50, 60, 1), (50, 12, 2), (500, 12, 4), (40, 1, 40), (1, 1, 1), (300, 3, 12)] {
            let (mut made, mut held) = (0, 0);
            let mut rewind = Rewind::new(0usize, slots);
            for number in (0..steps).rev() {
                let state = rewind.at(number, |step, from, _| {
                    assert_eq!(step, *from);
                    made += 1;
                    Ok::<_, ()>(Some(from + 1))
                });
                held = held.max(rewind.kept.len());
                assert_eq!(state, Ok(Some(number)));
            }
            assert!(made <= most * steps, "{steps} steps, {slots} slots: {made} made");
            assert!(held <= slots, "{steps} steps, {slots} slots: {held} held");
        }
    }
}
