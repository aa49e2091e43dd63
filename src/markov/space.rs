//! The joint space of several finite axes: mixed-radix indices, the last axis fastest.

/// A product of finite axes. With no axes it has one point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Space {
    sizes: Vec<usize>,
    strides: Vec<usize>,
    len: usize,
}

impl Space {
    /// The product of axes of the given sizes.
    pub fn new(sizes: Vec<usize>) -> Self {
        let mut strides = vec![1; sizes.len()];
        let mut len = 1;
        for axis in (0..sizes.len()).rev() {
            strides[axis] = len;
            len *= sizes[axis];
        }
        Space { sizes, strides, len }
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether an axis of size 0 leaves no point.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Size of each axis.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// How far apart neighbours along an axis lie.
    pub fn stride(&self, axis: usize) -> usize {
        self.strides[axis]
    }

    /// Coordinate of a point along an axis.
    pub fn digit(&self, point: usize, axis: usize) -> usize {
        point / self.strides[axis] % self.sizes[axis]
    }

    /// All coordinates of a point.
    pub fn digits(&self, point: usize) -> Vec<usize> {
        (0..self.sizes.len()).map(|axis| self.digit(point, axis)).collect()
    }

    /// Index of the point with these coordinates.
    pub fn index(&self, digits: &[usize]) -> usize {
        digits.iter().zip(&self.strides).map(|(digit, stride)| digit * stride).sum()
    }

    /// Sums a vector over every axis but one: the marginal of that axis.
    pub fn marginal(&self, values: &[f64], axis: usize) -> Vec<f64> {
        let (size, stride) = (self.sizes[axis], self.strides[axis]);
        let mut out = vec![0.0; size];
        for chunk in values.chunks_exact(size * stride) {
            for (sum, run) in out.iter_mut().zip(chunk.chunks_exact(stride)) {
                *sum += run.iter().sum::<f64>();
            }
        }
        out
    }
}
