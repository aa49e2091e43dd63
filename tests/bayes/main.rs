//! The Bayesian network against what is written apart from it: brute force on small networks, closed forms and other orders
//! on large ones, and laws.

mod large;
mod laws;
mod oracle;
mod small;
