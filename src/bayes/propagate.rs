//! Messages up and down a clique tree: sums or maxima of products, block by block, with nothing allocated on the way.

use super::factor::Factor;
use super::network::Network;
use super::tree::{Along, Clique, Loaded, Operand, ROOT, Read, Source, Tree, table};
use crate::ground::{Control, Result};
use multiversion::multiversion;

/// What is known of one variable.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Finding {
    /// Nothing.
    #[default]
    Nothing,
    /// Its state.
    State(usize),
    /// A likelihood over its states.
    Likelihood(Vec<f64>),
}

/// One query's numbers: tables and messages, beliefs, and scratch. Made once, used again and again.
#[derive(Debug, Clone)]
pub struct Work {
    store: Vec<f64>,
    beliefs: Vec<f64>,
    /// Products of all cliques where they are kept, else of one block.
    block: Vec<f64>,
    /// Belief over message of the clique at hand.
    ratio: Vec<f64>,
    /// What each clique's message was divided by.
    most: Vec<f64>,
    bases: Vec<usize>,
    digits: Vec<usize>,
    /// Loaded tables that some finding changed.
    changed: Vec<usize>,
    /// Logarithm of what constants and messages were divided by.
    log: f64,
    fixed: f64,
    loaded: bool,
}

impl Work {
    /// Room for a tree's numbers.
    pub fn new(tree: &Tree) -> Self {
        let block = tree.cliques.iter().map(|clique| clique.block).max().unwrap_or(1).max(tree.kept);
        let operands = tree.cliques.iter().map(|c| c.inputs.1 - c.inputs.0 + c.outputs.1 - c.outputs.0 + 1).max();
        let axes = tree.cliques.iter().map(|clique| clique.inner - clique.first).max().unwrap_or(0);
        Work {
            store: vec![0.0; tree.store],
            beliefs: vec![0.0; tree.beliefs],
            block: vec![0.0; block],
            ratio: vec![0.0; tree.cliques.iter().map(|clique| clique.width).max().unwrap_or(0)],
            most: vec![0.0; tree.cliques.len()],
            bases: vec![0; operands.unwrap_or(0)],
            digits: vec![0; axes],
            changed: vec![],
            log: 0.0,
            fixed: 0.0,
            loaded: false,
        }
    }

    /// Whether its tables were ever loaded.
    pub(super) fn loaded(&self) -> bool {
        self.loaded
    }
}

/// How a clique's product is summed out.
trait Join {
    const NONE: f64;
    fn join(a: f64, b: f64) -> f64;
    fn all(values: &[f64]) -> f64;
}

struct Sum;
struct Most;

impl Join for Sum {
    const NONE: f64 = 0.0;
    #[inline(always)]
    fn join(a: f64, b: f64) -> f64 {
        a + b
    }
    #[inline(always)]
    fn all(values: &[f64]) -> f64 {
        let mut lanes = [0.0; 8];
        let (wide, rest) = values.as_chunks::<8>();
        for chunk in wide {
            for lane in 0..8 {
                lanes[lane] += chunk[lane];
            }
        }
        let sum = ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
        rest.iter().fold(sum, |sum, value| sum + value)
    }
}

impl Join for Most {
    const NONE: f64 = 0.0;
    #[inline(always)]
    fn join(a: f64, b: f64) -> f64 {
        if a > b { a } else { b }
    }
    #[inline(always)]
    fn all(values: &[f64]) -> f64 {
        let mut lanes = [0.0; 8];
        let (wide, rest) = values.as_chunks::<8>();
        for chunk in wide {
            for lane in 0..8 {
                lanes[lane] = Self::join(lanes[lane], chunk[lane]);
            }
        }
        lanes.iter().chain(rest).fold(0.0, |most, &value| Self::join(most, value))
    }
}

impl Tree {
    /// Loads every table and factor with what is known. `findings` may be empty, or holds one for each variable; those of
    /// variables that the tree cuts must be states.
    pub fn load(&self, network: &Network, given: &[Factor], findings: &[Finding], work: &mut Work) {
        work.changed.clear();
        work.fixed = 0.0;
        work.loaded = true;
        for number in 0..self.loaded.len() {
            self.load_one(number, network, given, findings, work);
        }
    }

    /// Loads anew what evidence cuts, for other states of the same variables.
    pub fn slice(&self, network: &Network, findings: &[Finding], work: &mut Work) {
        work.fixed = 0.0;
        for number in (0..self.loaded.len()).filter(|&number| !self.loaded[number].cut.is_empty()) {
            self.load_one(number, network, &[], findings, work);
        }
    }

    /// Loads anew only what other findings change; for a tree that cuts nothing and has been loaded.
    pub fn enter(&self, network: &Network, findings: &[(usize, Finding)], work: &mut Work) {
        for number in std::mem::take(&mut work.changed) {
            self.load_one(number, network, &[], &[], work);
        }
        for (v, finding) in findings {
            let number = self.tables[*v];
            if number != ROOT {
                self.apply(number, finding, work);
            }
        }
    }

    fn load_one(&self, number: usize, network: &Network, given: &[Factor], findings: &[Finding], work: &mut Work) {
        let loaded = &self.loaded[number];
        let from = table(network, given, loaded.source);
        let state = |v: usize| match findings.get(v) {
            Some(Finding::State(state)) => *state,
            _ => 0,
        };
        let start: usize = loaded.cut.iter().map(|&(v, stride)| state(v) * stride).sum();
        let cells: usize = loaded.sizes.iter().product();
        if loaded.sizes.is_empty() {
            work.fixed += from[start].ln();
            return;
        }
        let values = &mut work.store[loaded.base..loaded.base + cells];
        copy(from, start, loaded, values);
        if !loaded.cut.is_empty() || matches!(loaded.source, Source::Given(_)) {
            // Evidence may leave small numbers everywhere, and factors large ones: products would leave the range.
            let most = values.iter().copied().fold(0.0, f64::max);
            if most > 0.0 {
                values.iter_mut().for_each(|x| *x /= most);
                work.fixed += most.ln();
            }
        }
        if let Source::Table(v) = loaded.source
            && let Some(finding) = findings.get(v)
        {
            self.apply(number, finding, work);
        }
    }

    /// Multiplies a variable's table by what is known of it.
    fn apply(&self, number: usize, finding: &Finding, work: &mut Work) {
        let loaded = &self.loaded[number];
        let Some(axis) = loaded.own else { return };
        let after: usize = loaded.sizes[axis + 1..].iter().product();
        let size = loaded.sizes[axis];
        let cells: usize = loaded.sizes.iter().product();
        let values = &mut work.store[loaded.base..loaded.base + cells];
        let mut weigh = |weight: &dyn Fn(usize) -> f64| {
            for runs in values.chunks_exact_mut(size * after) {
                for (state, run) in runs.chunks_exact_mut(after).enumerate() {
                    let weight = weight(state);
                    run.iter_mut().for_each(|x| *x *= weight);
                }
            }
        };
        match finding {
            Finding::Nothing => return,
            Finding::State(state) => weigh(&|s| f64::from(u8::from(s == *state))),
            Finding::Likelihood(weights) => weigh(&|s| weights[s]),
        }
        work.changed.push(number);
    }

    /// Messages towards the roots: the logarithm of the mass, −inf where there is none or all digits of it are lost, which
    /// [`Tree::possible`] tells apart.
    ///
    /// # Errors
    /// `Interrupted`.
    pub fn collect(&self, work: &mut Work, control: &Control) -> Result<f64> {
        self.ascend(work, false, control)
    }

    /// Whether there is any mass: every table becomes 0 and 1, and maxima of these lose nothing. Load anew afterwards.
    ///
    /// # Errors
    /// `Interrupted`.
    pub fn possible(&self, work: &mut Work, control: &Control) -> Result<bool> {
        for loaded in &self.loaded {
            let cells: usize = loaded.sizes.iter().product();
            if !loaded.sizes.is_empty() {
                let values = &mut work.store[loaded.base..loaded.base + cells];
                values.iter_mut().for_each(|x| *x = f64::from(u8::from(*x > 0.0)));
            }
        }
        work.loaded = false;
        Ok(self.ascend(work, true, control)? > f64::NEG_INFINITY)
    }

    fn ascend(&self, work: &mut Work, maximise: bool, control: &Control) -> Result<f64> {
        work.log = work.fixed;
        for (number, clique) in self.cliques.iter().enumerate() {
            let most = if clique.maximised || maximise {
                self.up::<Most>(clique, work, control)
            } else {
                self.up::<Sum>(clique, work, control)
            };
            if clique.blocks > 1 {
                control.check()?;
            }
            if !(f64::MIN_POSITIVE..f64::INFINITY).contains(&most) {
                work.log = f64::NEG_INFINITY;
                break;
            }
            work.most[number] = most;
            work.log += most.ln();
        }
        Ok(work.log)
    }

    fn up<J: Join>(&self, clique: &Clique, work: &mut Work, control: &Control) -> f64 {
        let (read, rest) = work.store.split_at_mut(clique.up.base);
        let message = &mut rest[..clique.width];
        let inputs = &self.operands[clique.inputs.0..clique.inputs.1];
        let keep = clique.kept.is_some();
        if clique.blocks == 1 {
            let start = clique.kept.unwrap_or(0);
            let block = &mut work.block[start..start + clique.block];
            match self.product(inputs, inputs.iter().map(|input| input.base), read, keep, block) {
                true => add::<J, true>(clique.up.along, &self.offsets, block, message),
                false => message.iter_mut().for_each(|x| *x = J::NONE),
            }
        } else {
            message.fill(J::NONE);
            let count = inputs.len();
            let bases = &mut work.bases[..count + 1];
            for (base, input) in bases.iter_mut().zip(inputs) {
                *base = input.base;
            }
            bases[count] = 0;
            let digits = &mut work.digits[..clique.inner - clique.first];
            digits.fill(0);
            for done in 0..clique.blocks {
                let start = clique.kept.map_or(0, |kept| kept + done * clique.block);
                let block = &mut work.block[start..start + clique.block];
                if self.product(inputs, bases[..count].iter().copied(), read, keep, block) {
                    add::<J, false>(clique.up.along, &self.offsets, block, &mut message[bases[count]..]);
                }
                if done & 0x3ff == 0x3ff && control.stopped() {
                    break;
                }
                self.advance(clique, digits, bases, |operand| match operand {
                    k if k < count => inputs[k].strides,
                    _ => clique.up.strides,
                });
            }
        }
        normalise(message)
    }

    /// Messages away from the roots, once after each `collect`: leaves beliefs, which sum to 1, on every separator and wanted table.
    ///
    /// # Errors
    /// `Interrupted`.
    pub fn distribute(&self, work: &mut Work, control: &Control) -> Result<()> {
        work.beliefs.fill(0.0);
        for (number, clique) in self.cliques.iter().enumerate().rev() {
            if clique.parent == ROOT && clique.wanted {
                // The message of a root is its mass, divided by itself.
                work.beliefs[clique.down] = 1.0;
            }
            if clique.outputs.0 == clique.outputs.1 {
                continue;
            }
            self.down(clique, work.most[number], work, control);
            if clique.blocks > 1 {
                control.check()?;
            }
        }
        Ok(())
    }

    fn down(&self, clique: &Clique, most: f64, work: &mut Work, control: &Control) {
        let inputs = &self.operands[clique.inputs.0..clique.inputs.1];
        let outputs = &self.operands[clique.outputs.0..clique.outputs.1];
        // Belief over message, 0 where the message is: there the clique's table is 0 as well. Beliefs on separators, apart
        // from this scratch, stay, since marginals are read from them.
        let up = &work.store[clique.up.base..clique.up.base + clique.width];
        let ratio = &mut work.ratio[..clique.width];
        divide(&work.beliefs[clique.down..], up, most.recip(), ratio);
        if clique.blocks == 1 {
            let start = clique.kept.unwrap_or(0);
            let block = &mut work.block[start..start + clique.block];
            if clique.kept.is_none()
                && !self.product(inputs, inputs.iter().map(|input| input.base), &work.store, false, block)
            {
                return;
            }
            self.weigh(&clique.up, 0, ratio, block);
            for output in outputs {
                add::<Sum, true>(output.along, &self.offsets, block, &mut work.beliefs[output.base..]);
            }
            return;
        }
        let (count, outs) = (inputs.len(), outputs.len());
        let bases = &mut work.bases[..count + outs + 1];
        for (base, operand) in bases.iter_mut().zip(inputs.iter().chain(outputs)) {
            *base = operand.base;
        }
        bases[count + outs] = 0;
        let digits = &mut work.digits[..clique.inner - clique.first];
        digits.fill(0);
        for done in 0..clique.blocks {
            let start = clique.kept.map_or(0, |kept| kept + done * clique.block);
            let block = &mut work.block[start..start + clique.block];
            if clique.kept.is_some() || self.product(inputs, bases[..count].iter().copied(), &work.store, false, block)
            {
                self.weigh(&clique.up, bases[count + outs], ratio, block);
                for (k, output) in outputs.iter().enumerate() {
                    add::<Sum, false>(output.along, &self.offsets, block, &mut work.beliefs[bases[count + k]..]);
                }
            }
            if done & 0x3ff == 0x3ff && control.stopped() {
                break;
            }
            self.advance(clique, digits, bases, |operand| match operand {
                k if k < count => inputs[k].strides,
                k if k < count + outs => outputs[k - count].strides,
                _ => clique.up.strides,
            });
        }
    }

    /// Moves every operand's base to the next block.
    #[inline(always)]
    fn advance(&self, clique: &Clique, digits: &mut [usize], bases: &mut [usize], strides: impl Fn(usize) -> usize) {
        for axis in (0..digits.len()).rev() {
            digits[axis] += 1;
            let size = self.sizes[self.axes[clique.first + axis] as usize];
            if digits[axis] < size {
                for (k, base) in bases.iter_mut().enumerate() {
                    *base += self.strides[strides(k) + axis] as usize;
                }
                return;
            }
            digits[axis] = 0;
            for (k, base) in bases.iter_mut().enumerate() {
                *base -= self.strides[strides(k) + axis] as usize * (size - 1);
            }
        }
    }

    /// The product of operands along a block; false where it is 0 throughout, which is written where it is kept.
    #[inline(always)]
    fn product(
        &self,
        inputs: &[Operand],
        bases: impl Iterator<Item = usize> + Clone,
        read: &[f64],
        keep: bool,
        block: &mut [f64],
    ) -> bool {
        let mut scale = 1.0;
        for (input, base) in inputs.iter().zip(bases.clone()) {
            if input.along == Along::Constant {
                scale *= read[base];
            }
        }
        let mut fresh = scale != 0.0;
        if fresh {
            for (input, base) in inputs.iter().zip(bases) {
                if input.along != Along::Constant {
                    match fresh {
                        true => times::<true>(input.along, &self.offsets, &read[base..], scale, block),
                        false => times::<false>(input.along, &self.offsets, &read[base..], scale, block),
                    }
                    fresh = false;
                }
            }
            if !fresh {
                return true;
            }
        }
        if scale != 0.0 || keep {
            block.fill(scale);
        }
        scale != 0.0
    }

    /// Multiplies a block by a clique's own separator table.
    #[inline(always)]
    fn weigh(&self, own: &Operand, base: usize, values: &[f64], block: &mut [f64]) {
        if own.along == Along::Constant {
            let value = values[base];
            block.iter_mut().for_each(|x| *x *= value);
        } else {
            times::<false>(own.along, &self.offsets, &values[base..], 1.0, block);
        }
    }

    /// Where an operand's entry for a joint state lies.
    fn entry(&self, clique: &Clique, operand: &Operand, states: &[usize]) -> usize {
        let mut at = operand.base;
        let axes = &self.axes[clique.first..clique.inner];
        for (&place, &stride) in axes.iter().zip(&self.strides[operand.strides..]) {
            at += states[place as usize] * stride as usize;
        }
        let inner = self.axes[clique.inner..clique.last].iter();
        let along = inner.fold(0, |at, &place| at * self.sizes[place as usize] + states[place as usize]);
        at + match operand.along {
            Along::Constant => 0,
            Along::Each => along,
            Along::Held(run) => along / run as usize,
            Along::Again(len) => along % len as usize,
            Along::Runs { start, run } => {
                self.offsets[start as usize + along / run as usize] as usize + along % run as usize
            }
            Along::Spread { start, run } => self.offsets[start as usize + along / run as usize] as usize,
        }
    }

    /// Walks from the roots down, after `collect` in a tree whose variables are kept apart, and chooses each one's state:
    /// `choose` is given the weights of its states, those above it known, and picks one. Where `maximised`, summed ones are
    /// left out. Leaves a state for each place in `states`; `weights` is scratch.
    pub(super) fn decode(
        &self,
        work: &Work,
        maximised: bool,
        states: &mut Vec<usize>,
        weights: &mut Vec<f64>,
        mut choose: impl FnMut(&[f64]) -> usize,
    ) {
        states.clear();
        states.resize(self.sizes.len(), 0);
        for clique in self.cliques.iter().rev().filter(|clique| clique.maximised || !maximised) {
            // Cliques that only multiply have nothing to choose.
            let &[place] = &self.axes[clique.own.0..clique.own.1] else { continue };
            let (place, size) = (place as usize, self.sizes[place as usize]);
            weights.clear();
            weights.resize(size, 1.0);
            for input in &self.operands[clique.inputs.0..clique.inputs.1] {
                states[place] = 0;
                let start = self.entry(clique, input, states);
                states[place] = size.min(2) - 1;
                // Tables are regular: the second state tells where all others lie.
                let stride = self.entry(clique, input, states) - start;
                weights.iter_mut().enumerate().for_each(|(s, weight)| *weight *= work.store[start + s * stride]);
            }
            states[place] = choose(weights);
        }
    }

    /// Adds a wanted marginal, which sums to 1, to `out`.
    pub(super) fn marginal(&self, read: &Read, work: &Work, out: &mut [f64]) {
        let (before, size, after) = read.shape;
        let values = &work.beliefs[read.base..read.base + before * size * after];
        out.fill(0.0);
        for runs in values.chunks_exact(size * after) {
            for (sum, run) in out.iter_mut().zip(runs.chunks_exact(after)) {
                *sum += Sum::all(run);
            }
        }
        let total: f64 = out.iter().sum();
        out.iter_mut().for_each(|x| *x /= total);
    }

    /// The `number`-th joint law wanted, its axes in the order of `keep`, the last fastest; sums to 1.
    pub fn joint(&self, number: usize, keep: &[usize], work: &Work) -> Vec<f64> {
        let (base, cells) = self.joints[number];
        let values = &work.beliefs[base..base + cells];
        // The stride of each kept variable in the table, whose axes are in ascending place.
        let mut places: Vec<usize> = keep.iter().map(|&v| self.places[v]).collect();
        places.sort_unstable();
        let stride = |v: usize| {
            let after = places.iter().filter(|&&place| place > self.places[v]);
            after.map(|&place| self.sizes[place]).product::<usize>()
        };
        let axes: Vec<(usize, usize)> = keep.iter().map(|&v| (self.sizes[self.places[v]], stride(v))).collect();
        let total: f64 = values.iter().sum();
        let mut at = vec![0usize];
        for (size, stride) in axes {
            at = at.iter().flat_map(|&base| (0..size).map(move |digit| base + digit * stride)).collect();
        }
        if keep.is_empty() { vec![1.0] } else { at.into_iter().map(|i| values[i] / total).collect() }
    }

    /// The marginals wanted, by variable.
    pub fn marginals(&self, work: &Work) -> Vec<(usize, Vec<f64>)> {
        self.reads
            .iter()
            .map(|(v, read)| {
                let mut law = vec![0.0; read.shape.1];
                self.marginal(read, work, &mut law);
                (*v, law)
            })
            .collect()
    }
}

/// Sets a block to an operand times `scale`, or multiplies it by one.
#[multiversion(targets("x86_64+avx2"))]
fn times<const SET: bool>(along: Along, offsets: &[u32], values: &[f64], scale: f64, block: &mut [f64]) {
    match along {
        Along::Constant => {}
        Along::Each => multiply::<SET>(block, values, scale),
        Along::Held(run) => unrolled(run, |run| {
            for (run, &value) in block.chunks_exact_mut(run).zip(values) {
                hold::<SET>(run, value, scale);
            }
        }),
        Along::Again(len) => unrolled(len, |len| {
            for run in block.chunks_exact_mut(len) {
                multiply::<SET>(run, &values[..len], scale);
            }
        }),
        Along::Runs { start, run } => unrolled(run, |run| {
            for (run, &offset) in block.chunks_exact_mut(run).zip(&offsets[start as usize..]) {
                multiply::<SET>(run, &values[offset as usize..], scale);
            }
        }),
        Along::Spread { start, run } => unrolled(run, |run| {
            for (run, &offset) in block.chunks_exact_mut(run).zip(&offsets[start as usize..]) {
                hold::<SET>(run, values[offset as usize], scale);
            }
        }),
    }
}

/// Joins a block to a table, or, where the block is the first and only one, sets the table to it.
#[multiversion(targets("x86_64+avx2"))]
fn add<J: Join, const SET: bool>(along: Along, offsets: &[u32], block: &[f64], into: &mut [f64]) {
    match along {
        Along::Constant => set::<J, SET>(&mut into[0], J::all(block)),
        Along::Each => join::<J, SET>(into, block),
        Along::Held(run) => unrolled(run, |run| {
            for (run, into) in block.chunks_exact(run).zip(into.iter_mut()) {
                set::<J, SET>(into, J::all(run));
            }
        }),
        Along::Again(len) => unrolled(len, |len| {
            let mut runs = block.chunks_exact(len);
            if SET && let Some(run) = runs.next() {
                join::<J, true>(into, run);
            }
            for run in runs {
                join::<J, false>(into, run);
            }
        }),
        Along::Runs { start, run } => unrolled(run, |run| {
            let runs = || block.chunks_exact(run).zip(&offsets[start as usize..]);
            if SET {
                for (_, &offset) in runs() {
                    into[offset as usize..][..run].fill(J::NONE);
                }
            }
            for (run, &offset) in runs() {
                join::<J, false>(&mut into[offset as usize..], run);
            }
        }),
        Along::Spread { start, run } => unrolled(run, |run| {
            let runs = || block.chunks_exact(run).zip(&offsets[start as usize..]);
            if SET {
                for (_, &offset) in runs() {
                    into[offset as usize] = J::NONE;
                }
            }
            for (run, &offset) in runs() {
                set::<J, false>(&mut into[offset as usize], J::all(run));
            }
        }),
    }
}

/// Divides a message by its largest entry, which is returned; not where all digits would be lost.
#[multiversion(targets("x86_64+avx2"))]
fn normalise(message: &mut [f64]) -> f64 {
    let most = Most::all(message);
    if most >= f64::MIN_POSITIVE {
        let scale = most.recip();
        message.iter_mut().for_each(|x| *x *= scale);
    }
    most
}

/// Beliefs over a message, 0 where the message is.
#[multiversion(targets("x86_64+avx2"))]
fn divide(beliefs: &[f64], message: &[f64], scale: f64, ratio: &mut [f64]) {
    for ((ratio, &up), &belief) in ratio.iter_mut().zip(message).zip(beliefs) {
        *ratio = if up > 0.0 { belief / up * scale } else { 0.0 };
    }
}

/// Does with short runs what it does with any, but with their length known beforehand, so that they are unrolled.
#[inline(always)]
fn unrolled(run: u32, mut work: impl FnMut(usize)) {
    match run {
        2 => work(2),
        3 => work(3),
        4 => work(4),
        5 => work(5),
        _ => work(run as usize),
    }
}

#[inline(always)]
fn multiply<const SET: bool>(block: &mut [f64], values: &[f64], scale: f64) {
    let values = &values[..block.len()];
    for (x, &value) in block.iter_mut().zip(values) {
        *x = if SET { value * scale } else { *x * value };
    }
}

#[inline(always)]
fn hold<const SET: bool>(block: &mut [f64], value: f64, scale: f64) {
    for x in block {
        *x = if SET { value * scale } else { *x * value };
    }
}

#[inline(always)]
fn join<J: Join, const SET: bool>(into: &mut [f64], block: &[f64]) {
    let into = &mut into[..block.len()];
    for (into, &x) in into.iter_mut().zip(block) {
        set::<J, SET>(into, x);
    }
}

#[inline(always)]
fn set<J: Join, const SET: bool>(into: &mut f64, x: f64) {
    *into = if SET { x } else { J::join(*into, x) };
}

/// Copies a source's table into ascending places, from `start` on.
fn copy(from: &[f64], start: usize, loaded: &Loaded, to: &mut [f64]) {
    let (Some((&size, sizes)), Some((&stride, strides))) = (loaded.sizes.split_last(), loaded.strides.split_last())
    else {
        return;
    };
    // Axes of one entry need no digit; of others no table has so many.
    let mut digits = [0usize; usize::BITS as usize];
    let mut at = start;
    for run in to.chunks_exact_mut(size) {
        if stride == 1 {
            run.copy_from_slice(&from[at..at + size]);
        } else {
            for (k, value) in run.iter_mut().enumerate() {
                *value = from[at + k * stride];
            }
        }
        let axes = sizes.iter().zip(strides).rev().filter(|(size, _)| **size > 1);
        for ((&size, &stride), digit) in axes.zip(&mut digits) {
            *digit += 1;
            at += stride;
            if *digit < size {
                break;
            }
            *digit = 0;
            at -= stride * size;
        }
    }
}
