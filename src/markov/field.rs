//! A function on a joint space that looks at some axes only, stored as a table over those.

use super::space::Space;

/// `table[context]` over the mixed-radix context of `axes` (ascending, the last fastest).
#[derive(Debug, Clone, PartialEq)]
pub struct Field<T> {
    axes: Vec<usize>,
    table: Vec<T>,
}

impl<T: Clone> Field<T> {
    /// Tabulates `value(digits of the axes)` over the axes of `space` that it looks at.
    pub fn tabulate(space: &Space, axes: Vec<usize>, mut value: impl FnMut(&[usize]) -> T) -> Self {
        let context = Space::new(axes.iter().map(|&axis| space.sizes()[axis]).collect());
        let table = (0..context.len()).map(|index| value(&context.digits(index))).collect();
        Field { axes, table }
    }

    /// The axes that it looks at.
    pub fn axes(&self) -> &[usize] {
        &self.axes
    }

    /// The table over the axes.
    pub fn table(&self) -> &[T] {
        &self.table
    }

    /// The same field with another table of the same shape.
    pub fn map<U>(&self, f: impl FnMut(&T) -> U) -> Field<U> {
        Field { axes: self.axes.clone(), table: self.table.iter().map(f).collect() }
    }

    /// Value at a point.
    pub fn at(&self, space: &Space, point: usize) -> &T {
        let mut index = 0;
        for &axis in &self.axes {
            index = index * space.sizes()[axis] + space.digit(point, axis);
        }
        &self.table[index]
    }

    /// Visits the space in order as runs of equal context: `visit(start, end, index into the table)`.
    pub fn runs(&self, space: &Space, mut visit: impl FnMut(usize, usize, usize)) {
        let Some(&last) = self.axes.last() else {
            visit(0, space.len(), 0);
            return;
        };
        let run = space.stride(last);
        let mut weight = vec![0; last + 1];
        let mut next = 1;
        for &axis in self.axes.iter().rev() {
            weight[axis] = next;
            next *= space.sizes()[axis];
        }
        let mut digits = vec![0; last + 1];
        let mut index = 0;
        for start in (0..space.len()).step_by(run) {
            visit(start, start + run, index);
            for axis in (0..=last).rev() {
                digits[axis] += 1;
                index += weight[axis];
                if digits[axis] < space.sizes()[axis] {
                    break;
                }
                index -= weight[axis] * digits[axis];
                digits[axis] = 0;
            }
        }
    }
}
