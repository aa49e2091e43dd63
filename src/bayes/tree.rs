//! The clique tree of what is asked: which tables are summed in which order, laid out flat, compiled once for many queries.
//!
//! Variables are numbered by their place in the elimination order, and every table has its axes in ascending place, the
//! last fastest: neighbouring cliques share their fastest axes, so products and sums run along vectors. A clique's table is
//! never stored, unless all of them stay in cache: its product is formed block by block, once on the way up and once on the
//! way down; only messages live in memory. Loops go over part of the separator, then over what is summed out, then along a block of the separator.
//! (Shafer and Shenoy 1990 for the messages kept apart; Dechter 1999 for one bucket an eliminated variable.)

use super::factor::Factor;
use super::network::Network;
use super::order::{Graph, Near, Order};
use crate::ground::{Error, Result, limits};
use smallvec::{SmallVec, smallvec};

/// Entries of a block at most, where an axis is not longer itself: product and sums stay in the first-level cache.
const BLOCK: usize = 512;
/// Blocks shorter than this take one more axis, however long.
const SHORT: usize = 32;
/// Operands over the same variables are multiplied first where that saves more entries than this.
const GROUPED: f64 = 128.0;
/// Cliques smaller than this multiply all others at once,
const COMBINED: f64 = 512.0;
/// unless there are more than so many.
const MANY: usize = 16;
/// A product of two operands is made first where it is so many times smaller than the clique.
const WORTH: f64 = 8.0;
/// Trees of no more entries than this keep their cliques' products from the way up: they stay in the second-level cache.
const PRODUCTS: f64 = 64_000.0;
/// Bytes of an entry of a joint law while its axes are reordered.
const REORDERED: f64 = 24.0;

/// No machine gets through more entries than this.
const ENTRIES: f64 = 1e15;

pub(super) const ROOT: usize = usize::MAX;

/// How an operand's entries run along a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Along {
    /// One entry for the whole block.
    Constant,
    /// Entry by entry.
    Each,
    /// Each entry holds for so many in a row.
    Held(u32),
    /// The same so many entries over and over.
    Again(u32),
    /// Runs of so many, which begin at offsets of a list that starts here.
    Runs { start: u32, run: u32 },
    /// Entries at offsets of a list that starts here, each of which holds for so many in a row.
    Spread { start: u32, run: u32 },
}

/// A table that a clique reads or adds to: where it begins, and how it runs along blocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operand {
    pub base: usize,
    pub along: Along,
    /// Its strides along the clique's outer axes start here.
    pub strides: usize,
}

/// One clique: variables to sum out, given a separator.
#[derive(Debug, Clone)]
pub(super) struct Clique {
    /// Its axes are `axes[first..last]`, in the order of the loops; blocks run over `inner..last`.
    pub first: usize,
    pub inner: usize,
    pub last: usize,
    pub block: usize,
    pub blocks: usize,
    pub parent: usize,
    /// What is multiplied: operands `inputs.0..inputs.1`, in the store of tables and upward messages.
    pub inputs: (usize, usize),
    /// What the belief is added to: operands, in the store of beliefs.
    pub outputs: (usize, usize),
    /// The upward message in the store of tables, and its length.
    pub up: Operand,
    pub width: usize,
    /// The separator's belief in the store of beliefs, which runs as the message does.
    pub down: usize,
    /// Whether that belief is wanted.
    pub wanted: bool,
    /// Whether the variables are maximised and not summed.
    pub maximised: bool,
    /// What is summed out: `axes[own.0..own.1]`, places ascending.
    pub own: (usize, usize),
    /// Where its product is kept on the way up for the way down.
    pub kept: Option<usize>,
}

/// Where a factor comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// The table of a variable of the network.
    Table(usize),
    /// A factor given with the evidence.
    Given(usize),
}

/// A factor in the store: the sizes of its axes, in ascending place, and their strides in its source.
#[derive(Debug, Clone)]
pub(super) struct Loaded {
    pub source: Source,
    pub base: usize,
    pub sizes: SmallVec<[usize; 4]>,
    pub strides: SmallVec<[usize; 4]>,
    /// (variable of the network, stride) of axes that evidence cuts away.
    pub cut: SmallVec<[(usize, usize); 2]>,
    /// Which axis is the variable itself, where it is a table of an uncut variable.
    pub own: Option<usize>,
}

/// Where a marginal is read from the store of beliefs: a table and its axes.
#[derive(Debug, Clone)]
pub(super) struct Read {
    pub base: usize,
    /// Entries before, along and after the axis.
    pub shape: (usize, usize, usize),
}

/// What a tree is made for.
#[derive(Debug)]
pub struct Plan<'a> {
    /// Variables that evidence will fix to one state.
    pub cut: &'a [usize],
    /// Scopes of factors that come with the evidence.
    pub given: &'a [Vec<usize>],
    /// Variables that other evidence may be on.
    pub seen: &'a [usize],
    /// Variables whose marginals are wanted.
    pub marginals: &'a [usize],
    /// Sets whose joint laws are wanted.
    pub joints: &'a [Vec<usize>],
    /// Variables to sum out, or maximise, last.
    pub late: &'a [usize],
    /// Whether the late ones are maximised.
    pub maximise: bool,
    /// Whether states are drawn or read off: a clique a variable then, so that each choice is among its states alone.
    pub apart: bool,
    /// Work on the order, as a multiple of the work on the tables.
    pub effort: f64,
    /// Bytes that a workspace may take.
    pub limit: f64,
    /// Entries that all cliques may have together.
    pub most: f64,
}

impl Default for Plan<'_> {
    fn default() -> Self {
        Plan {
            cut: &[],
            given: &[],
            seen: &[],
            marginals: &[],
            joints: &[],
            late: &[],
            maximise: false,
            apart: false,
            effort: 0.3,
            limit: limits::memory(),
            most: ENTRIES,
        }
    }
}

/// A compiled clique tree.
#[derive(Debug, Clone)]
pub struct Tree {
    /// Variable of the network at each place.
    pub(super) variables: Vec<usize>,
    /// Place of each variable of the network, `ROOT` where it is not there.
    pub(super) places: Vec<usize>,
    pub(super) sizes: Vec<usize>,
    pub(super) cliques: Vec<Clique>,
    /// Axes as places.
    pub(super) axes: Vec<u32>,
    pub(super) operands: Vec<Operand>,
    pub(super) strides: Vec<u32>,
    pub(super) offsets: Vec<u32>,
    pub(super) loaded: Vec<Loaded>,
    /// The loaded factor of each variable's table.
    pub(super) tables: Vec<usize>,
    pub(super) reads: Vec<(usize, Read)>,
    /// Base and variables of wanted joint laws in the store of beliefs.
    pub(super) joints: Vec<(usize, usize)>,
    pub(super) store: usize,
    pub(super) beliefs: usize,
    /// Entries of all cliques together.
    pub(super) total: f64,
    /// Entries of products kept.
    pub(super) kept: usize,
    bytes: f64,
}

struct Builder<'a> {
    network: &'a Network,
    plan: &'a Plan<'a>,
    tree: Tree,
    /// Stride of each place in the operand at hand; 0 elsewhere.
    stride: Vec<u32>,
    /// (size, stride) of its block's axes.
    along: Vec<(usize, u32)>,
    /// Places of each loaded factor, ascending.
    scopes: Vec<Near>,
    /// Base of each separator's belief.
    downs: Vec<usize>,
    /// Whether products are kept: of all cliques or of none, since others would be formed over those kept.
    keeps: bool,
}

/// A clique before it is laid out: places, ascending, of what is summed out and of the separator; what it multiplies.
#[derive(Debug, Default)]
struct Skeleton {
    own: Near,
    separator: Near,
    parent: usize,
    factors: SmallVec<[usize; 4]>,
    children: SmallVec<[usize; 4]>,
    /// Whether the belief on its separator is wanted.
    wanted: bool,
    /// Base in the store of beliefs and scope of each wanted table.
    tables: SmallVec<[(usize, Near); 1]>,
}

/// What a clique multiplies, as a set of its axes.
#[derive(Debug, Clone, Copy)]
struct Item {
    axes: u64,
    cells: f64,
    /// A factor, or past all factors a clique.
    what: usize,
}

impl Tree {
    /// Compiles a tree for what is asked; variables that nothing asked descends from are left out.
    ///
    /// # Errors
    /// `Error::TooLarge`, before memory is taken, with the widest clique.
    pub fn new(network: &Network, plan: &Plan<'_>) -> Result<Tree> {
        let asked = plan.marginals.iter().chain(plan.cut).chain(plan.seen).chain(plan.late);
        let asked = asked.chain(plan.given.iter().flatten()).chain(plan.joints.iter().flatten());
        let relevant = network.ancestors(asked.copied());
        let mut cut = vec![false; network.cards().len()];
        plan.cut.iter().for_each(|&v| cut[v] = true);
        // Vertices of the graph, then their places.
        let mut vertex = vec![ROOT; cut.len()];
        let mut variables = Vec::with_capacity(cut.len());
        for v in (0..cut.len()).filter(|&v| relevant[v] && !cut[v]) {
            vertex[v] = variables.len();
            variables.push(v);
        }
        let mut graph = Graph::new(variables.iter().map(|&v| network.cards()[v]).collect());
        let mut scope: Vec<usize> = vec![];
        for v in (0..cut.len()).filter(|&v| relevant[v]) {
            scope.clear();
            scope.extend(network.parents()[v].iter().chain([&v]).filter(|&&u| !cut[u]).map(|&u| vertex[u]));
            graph.join(&scope);
        }
        for set in plan.given.iter().chain(plan.joints) {
            scope.clear();
            scope.extend(set.iter().filter(|&&u| !cut[u]).map(|&u| vertex[u]));
            graph.join(&scope);
        }
        graph.settle();
        let late: Option<Vec<bool>> = (!plan.late.is_empty()).then(|| {
            let mut late = vec![false; variables.len()];
            plan.late.iter().filter(|&&v| !cut[v]).for_each(|&v| late[vertex[v]] = true);
            late
        });
        let every = plan.maximise && late.as_ref().is_some_and(|late| late.iter().all(|late| *late));
        let late = late.filter(|_| !every);
        let order = graph.order(late.as_deref(), plan.effort, plan.most, plan.limit)?;
        let split = if plan.maximise { late } else { None };
        let skeletons = skeletons(&graph, &order, split.as_deref(), plan.apart);
        let mut places = vec![ROOT; cut.len()];
        let n = variables.len();
        let mut sizes = Vec::with_capacity(n);
        let mut placed = Vec::with_capacity(n);
        for (place, &vertex) in order.vertices.iter().enumerate() {
            let v = variables[vertex];
            places[v] = place;
            sizes.push(network.cards()[v]);
            placed.push(v);
        }
        let tree = Tree {
            variables: placed,
            places,
            sizes,
            cliques: Vec::with_capacity(skeletons.len()),
            axes: Vec::with_capacity(4 * n),
            operands: Vec::with_capacity(4 * n),
            strides: Vec::with_capacity(n),
            offsets: Vec::with_capacity(4 * n),
            loaded: Vec::with_capacity(network.cards().len()),
            tables: vec![ROOT; cut.len()],
            reads: Vec::with_capacity(plan.marginals.len()),
            joints: vec![],
            store: 0,
            beliefs: 0,
            total: 0.0,
            kept: 0,
            bytes: 0.0,
        };
        let stride = vec![0; tree.sizes.len()];
        let mut builder = Builder {
            network,
            plan,
            tree,
            stride,
            along: vec![],
            scopes: Vec::with_capacity(cut.len()),
            downs: vec![],
            keeps: false,
        };
        let mut skeletons = builder.fill(skeletons, &relevant);
        builder.wanted(&mut skeletons);
        builder.afford(&skeletons)?;
        let maximised = |own: &[u32]| {
            every || split.as_ref().is_some_and(|late| own.iter().any(|&place| late[order.vertices[place as usize]]))
        };
        builder.lay(&skeletons, maximised);
        Ok(builder.tree)
    }

    /// The place of a variable of the network; none where the tree leaves or cuts it out.
    pub(super) fn place(&self, variable: usize) -> Option<usize> {
        self.places.get(variable).copied().filter(|&place| place != ROOT)
    }

    /// Number of variables.
    pub(super) fn len(&self) -> usize {
        self.variables.len()
    }

    /// Entries of all clique tables together: what one pass costs.
    pub fn total(&self) -> f64 {
        self.total
    }

    /// Bytes that one workspace takes, and what the tree lists.
    pub fn bytes(&self) -> f64 {
        self.bytes
    }
}

/// The cliques of an order, children before parents: one bucket a vertex, merged where one holds the next whole. Buckets on
/// the two sides of `split` stay apart, and where `apart` all of those past it (all, without it).
fn skeletons(graph: &Graph, order: &Order, split: Option<&[bool]>, apart: bool) -> Vec<Skeleton> {
    let n = order.vertices.len();
    let mut place = vec![0u32; n];
    order.vertices.iter().enumerate().for_each(|(i, &v)| place[v] = i as u32);
    let mut near: Vec<Near> = vec![Near::new(); n];
    let mut waiting: Vec<Near> = vec![Near::new(); n];
    // What each bucket joins: the later neighbours of its vertex and of those before it that handed theirs on.
    for i in 0..n {
        let mut set: Near =
            graph.near(order.vertices[i]).iter().map(|&u| place[u as usize]).filter(|&j| j as usize > i).collect();
        for &child in &waiting[i] {
            set.extend_from_slice(&near[child as usize][1..]);
        }
        set.sort_unstable();
        set.dedup();
        if let Some(&first) = set.first() {
            waiting[first as usize].push(i as u32);
        }
        near[i] = set;
    }
    let side = |i: usize| split.is_some_and(|split| split[order.vertices[i]]);
    let alone = |i: usize| apart && split.is_none_or(|split| split[order.vertices[i]]);
    // The bucket that each one's clique began with.
    let mut bottom: Vec<u32> = (0..n as u32).collect();
    let mut top: Vec<u32> = (0..n as u32).collect();
    for i in (0..n).filter(|&i| !alone(i)) {
        let fits = |&&child: &&u32| near[child as usize].len() == near[i].len() + 1 && side(child as usize) == side(i);
        if let Some(&child) = waiting[i].iter().find(fits) {
            bottom[i] = bottom[child as usize];
            top[bottom[i] as usize] = i as u32;
        }
    }
    let mut tops: Vec<(u32, u32)> =
        (0..n as u32).filter(|&i| bottom[i as usize] == i).map(|i| (top[i as usize], i)).collect();
    tops.sort_unstable();
    let mut number = vec![0usize; n];
    tops.iter().enumerate().for_each(|(k, &(_, low))| number[low as usize] = k);
    let mut owns: Vec<Near> = vec![Near::new(); tops.len()];
    (0..n).for_each(|i| owns[number[bottom[i] as usize]].push(i as u32));
    tops.iter()
        .zip(owns)
        .map(|(&(high, _), own)| {
            let separator = std::mem::take(&mut near[high as usize]);
            let parent = separator.first().map_or(ROOT, |&first| number[bottom[first as usize] as usize]);
            Skeleton { own, separator, parent, ..Skeleton::default() }
        })
        .collect()
}

impl Builder<'_> {
    fn cells(&self, places: &[u32]) -> f64 {
        places.iter().map(|&p| self.tree.sizes[p as usize] as f64).product()
    }

    /// Counts what the messages will take, and refuses what is too much.
    fn afford(&mut self, skeletons: &[Skeleton]) -> Result<()> {
        let mut bytes = 8.0 * (self.tree.store as f64 + self.tree.beliefs as f64);
        bytes += REORDERED * self.tree.joints.iter().map(|joint| joint.1 as f64).sum::<f64>();
        let mut widest: (f64, usize) = (0.0, 0);
        let mut longest: f64 = 0.0;
        let mut block: f64 = 0.0;
        for (number, clique) in skeletons.iter().enumerate() {
            let separator = self.cells(&clique.separator);
            let size = separator * self.cells(&clique.own);
            self.tree.total += size;
            bytes += 8.0 * separator;
            longest = longest.max(separator);
            // What each operand may list, an offset an entry of the block.
            let axes = clique.separator.iter().chain(&clique.own);
            let most = axes.clone().map(|&p| self.tree.sizes[p as usize]).max().unwrap_or(1);
            let listed = size.min(BLOCK.max(SHORT * most) as f64);
            let operands = (clique.factors.len() + 2 * clique.children.len() + clique.tables.len() + 1) as f64;
            bytes += operands * (4.0 * (listed + axes.count() as f64) + size_of::<Operand>() as f64);
            block = block.max(listed);
            if size > widest.0 {
                widest = (size, number);
            }
        }
        // A block, and belief over message of the widest separator.
        bytes += 8.0 * (block + longest);
        let limit = self.plan.limit;
        let down = !self.tree.reads.is_empty() || !self.tree.joints.is_empty();
        let products = bytes + 8.0 * self.tree.total;
        self.keeps = down && self.tree.total <= PRODUCTS && products <= limit;
        if self.keeps {
            bytes = products;
        }
        self.tree.bytes = bytes;
        let cells = |sizes: &[usize]| sizes.iter().map(|&size| size as f64).product::<f64>();
        longest = self.tree.loaded.iter().map(|loaded| cells(&loaded.sizes)).fold(longest, f64::max);
        longest = self.tree.joints.iter().map(|joint| joint.1 as f64).fold(longest, f64::max);
        // Strides are 32 bits wide.
        if bytes <= limit && longest <= f64::from(u32::MAX) && self.tree.total <= self.plan.most {
            return Ok(());
        }
        let clique = &skeletons[widest.1];
        let members: Vec<usize> =
            clique.separator.iter().chain(&clique.own).map(|&p| self.tree.variables[p as usize]).collect();
        Err(Error::TooLarge {
            bytes,
            limit,
            message: format!(
                "the network's messages take {bytes:.3e} bytes and {limit:.3e} are allowed; the widest clique has {:.3e} \
                 joint states of {} variables: {}",
                widest.0,
                members.len(),
                self.network.named(&members)
            ),
        })
    }

    /// Gives every clique its factors and children, and puts products of several small ones into cliques of their own.
    fn fill(&mut self, mut skeletons: Vec<Skeleton>, relevant: &[bool]) -> Vec<Skeleton> {
        let mut holder = vec![0usize; self.tree.sizes.len()];
        for (number, clique) in skeletons.iter().enumerate() {
            clique.own.iter().for_each(|&place| holder[place as usize] = number);
        }
        for v in (0..relevant.len()).filter(|&v| relevant[v]) {
            let vars: SmallVec<[usize; 6]> = self.network.parents()[v].iter().copied().chain([v]).collect();
            self.load(Source::Table(v), &vars);
        }
        for (i, vars) in self.plan.given.iter().enumerate() {
            self.load(Source::Given(i), vars);
        }
        for (factor, scope) in self.scopes.iter().enumerate() {
            if let Some(&lowest) = scope.first() {
                skeletons[holder[lowest as usize]].factors.push(factor);
            }
        }
        let mut filled: Vec<Skeleton> = Vec::with_capacity(skeletons.len());
        // Where each clique came to lie, and the children that wait for their parent.
        let mut children: Vec<SmallVec<[usize; 4]>> = vec![smallvec![]; skeletons.len()];
        for (number, mut clique) in skeletons.into_iter().enumerate() {
            clique.children = std::mem::take(&mut children[number]);
            self.combine(&mut clique, &mut filled);
            if clique.parent != ROOT {
                children[clique.parent].push(filled.len());
            }
            filled.push(clique);
        }
        for number in 0..filled.len() {
            for child in filled[number].children.clone() {
                filled[child].parent = number;
            }
        }
        filled
    }

    /// Multiplies small operands first, where their product is much smaller than the clique: each one less saves two passes
    /// over it. Many operands go through products of few, so that no product underflows.
    fn combine(&self, clique: &mut Skeleton, filled: &mut Vec<Skeleton>) {
        let count = clique.factors.len() + clique.children.len();
        let cells = self.cells(&clique.separator) * self.cells(&clique.own);
        if count <= 2 || (count as f64 * cells <= GROUPED && count <= MANY) {
            return;
        }
        let axes: Near = clique.separator.iter().chain(&clique.own).copied().collect();
        if axes.len() > 64 {
            return;
        }
        let sizes: SmallVec<[f64; 8]> = axes.iter().map(|&place| self.tree.sizes[place as usize] as f64).collect();
        let mask = |scope: &[u32]| {
            scope.iter().fold(0u64, |mask, place| mask | axes.iter().position(|p| p == place).map_or(0, |i| 1 << i))
        };
        let item = |axes: u64, what: usize| {
            let cells = sizes.iter().enumerate().filter(|(i, _)| axes >> i & 1 == 1).map(|(_, size)| size).product();
            Item { axes, cells, what }
        };
        let factors = self.scopes.len();
        let mut items: Vec<Item> = clique.factors.iter().map(|&f| item(mask(&self.scopes[f]), f)).collect();
        items.extend(clique.children.iter().map(|&c| item(mask(&filled[c].separator), factors + c)));
        let join = |parts: &[Item], filled: &mut Vec<Skeleton>| {
            let joined = item(parts.iter().fold(0, |axes, part| axes | part.axes), factors + filled.len());
            let mut separator: Near =
                axes.iter().enumerate().filter(|(i, _)| joined.axes >> i & 1 == 1).map(|(_, &place)| place).collect();
            separator.sort_unstable();
            filled.push(Skeleton {
                separator,
                factors: parts.iter().map(|part| part.what).filter(|&what| what < factors).collect(),
                children: parts.iter().filter_map(|part| part.what.checked_sub(factors)).collect(),
                ..Skeleton::default()
            });
            joined
        };
        let order = |a: &Item, b: &Item| a.cells.total_cmp(&b.cells).then(a.axes.cmp(&b.axes));
        items.sort_by(order);
        let same: Vec<Item> = items
            .chunk_by(|a, b| a.axes == b.axes)
            .flat_map(|parts| parts.chunks(MANY))
            .flat_map(|parts| match (parts.len() - 1) as f64 * (cells - parts[0].cells) > GROUPED {
                true => vec![join(parts, filled)],
                false => parts.to_vec(),
            })
            .collect();
        items = same;
        let most = if cells < COMBINED { MANY } else { 4 * MANY };
        while items.len() > most {
            let mut next: Vec<Item> = items
                .chunks(MANY / 2)
                .map(|parts| match parts {
                    [one] => *one,
                    parts => join(parts, filled),
                })
                .collect();
            next.sort_by(order);
            items = next;
        }
        while cells >= COMBINED && items.len() > 2 {
            let pairs = (0..items.len()).flat_map(|j| (0..j).map(move |i| (i, j)));
            let priced = pairs.map(|(i, j)| (item(items[i].axes | items[j].axes, 0).cells, i, j));
            let Some((size, i, j)) = priced.min_by(|a, b| a.0.total_cmp(&b.0)) else { break };
            if size * WORTH > cells {
                break;
            }
            let (b, a) = (items.remove(j), items.remove(i));
            items.push(join(&[a, b], filled));
        }
        clique.factors = items.iter().map(|item| item.what).filter(|&what| what < factors).collect();
        clique.children = items.iter().filter_map(|item| item.what.checked_sub(factors)).collect();
    }

    /// Where marginals and joint laws come from, and which separators' beliefs that needs.
    fn wanted(&mut self, skeletons: &mut [Skeleton]) {
        let places = self.tree.sizes.len();
        let mut holder = vec![0usize; places];
        // The narrowest separator that has each place.
        let mut narrow: Vec<(f64, usize)> = vec![(f64::INFINITY, 0); places];
        for (number, clique) in skeletons.iter().enumerate() {
            clique.own.iter().for_each(|&place| holder[place as usize] = number);
            if clique.own.is_empty() && clique.children.is_empty() {
                continue;
            }
            let width = self.cells(&clique.separator);
            for &place in &clique.separator {
                if width < narrow[place as usize].0 {
                    narrow[place as usize] = (width, number);
                }
            }
        }
        let mut read_from: Vec<Option<usize>> = Vec::with_capacity(self.plan.marginals.len());
        for &v in self.plan.marginals {
            let place = self.tree.places[v];
            if place == ROOT {
                continue;
            }
            let (width, number) = narrow[place];
            let size = self.tree.sizes[place];
            let read = if width < f64::INFINITY {
                skeletons[number].wanted = true;
                let separator = &skeletons[number].separator;
                let at = separator.partition_point(|&p| (p as usize) < place);
                let shape = (self.cells(&separator[..at]) as usize, size, self.cells(&separator[at + 1..]) as usize);
                read_from.push(Some(number));
                Read { base: 0, shape }
            } else {
                let base = self.room(size);
                skeletons[holder[place]].tables.push((base, smallvec![place as u32]));
                read_from.push(None);
                Read { base, shape: (1, size, 1) }
            };
            self.tree.reads.push((v, read));
        }
        for set in self.plan.joints {
            let mut scope = Near::new();
            scope.extend(set.iter().map(|&v| self.tree.places[v]).filter(|&p| p != ROOT).map(|p| p as u32));
            scope.sort_unstable();
            let cells = self.cells(&scope) as usize;
            let base = self.room(cells);
            self.tree.joints.push((base, cells));
            if let Some(&lowest) = scope.first() {
                skeletons[holder[lowest as usize]].tables.push((base, scope));
            }
        }
        // What reads below need: each belief comes from the parent's.
        for number in 0..skeletons.len() {
            let below = skeletons[number].children.iter().any(|&child| skeletons[child].wanted);
            if below || !skeletons[number].tables.is_empty() {
                skeletons[number].wanted = true;
            }
        }
        let mut downs = vec![0; skeletons.len()];
        for (down, clique) in downs.iter_mut().zip(skeletons.iter()).filter(|(_, clique)| clique.wanted) {
            *down = self.room(self.cells(&clique.separator) as usize);
        }
        for ((_, read), from) in self.tree.reads.iter_mut().zip(read_from) {
            read.base = from.map_or(read.base, |number| downs[number]);
        }
        self.downs = downs;
    }

    /// Takes room in the store of beliefs.
    fn room(&mut self, cells: usize) -> usize {
        self.tree.beliefs = self.tree.beliefs.saturating_add(cells);
        self.tree.beliefs - cells
    }

    fn lay(&mut self, skeletons: &[Skeleton], maximised: impl Fn(&[u32]) -> bool) {
        let scopes = std::mem::take(&mut self.scopes);
        for (number, clique) in skeletons.iter().enumerate() {
            let width = self.cells(&clique.separator) as usize;
            let up = self.tree.store;
            self.tree.store += width;
            let loops = self.loops(clique);
            let start = self.tree.operands.len();
            for &factor in &clique.factors {
                let base = self.tree.loaded[factor].base;
                let operand = self.operand(&loops, &scopes[factor], base);
                self.tree.operands.push(operand);
            }
            for &child in &clique.children {
                let base = self.tree.cliques[child].up.base;
                let operand = self.operand(&loops, &skeletons[child].separator, base);
                self.tree.operands.push(operand);
            }
            let inputs = (start, self.tree.operands.len());
            for (k, &child) in clique.children.iter().enumerate().filter(|(_, child)| skeletons[**child].wanted) {
                // The child's belief runs as its message does.
                let message = self.tree.operands[start + clique.factors.len() + k];
                self.tree.operands.push(Operand { base: self.downs[child], ..message });
            }
            for (base, scope) in &clique.tables {
                let operand = self.operand(&loops, scope, *base);
                self.tree.operands.push(operand);
            }
            let outputs = (inputs.1, self.tree.operands.len());
            let up = self.operand(&loops, &clique.separator, up);
            let kept = self.keeps.then_some(self.tree.kept);
            self.tree.kept += kept.map_or(0, |_| loops.block * loops.blocks);
            self.tree.cliques.push(Clique {
                kept,
                inputs,
                outputs,
                up,
                width,
                down: self.downs[number],
                wanted: clique.wanted,
                parent: clique.parent,
                maximised: maximised(&clique.own),
                ..loops
            });
        }
    }

    /// The order of a clique's loops, and what a block is.
    fn loops(&mut self, clique: &Skeleton) -> Clique {
        let sizes = &self.tree.sizes;
        let grow = |axes: &[u32], mut block: usize| {
            let mut taken = 0;
            for &place in axes.iter().rev() {
                let size = sizes[place as usize];
                if block * size > BLOCK && block >= SHORT {
                    break;
                }
                block *= size;
                taken += 1;
            }
            (taken, block)
        };
        let (along, mut block) = grow(&clique.separator, 1);
        let (outer, inner) = clique.separator.split_at(clique.separator.len() - along);
        let mut over = 0;
        if outer.is_empty() {
            (over, block) = grow(&clique.own, block);
        }
        let first = self.tree.axes.len();
        let own = (first + outer.len(), first + outer.len() + clique.own.len());
        self.tree.axes.extend(outer.iter().chain(&clique.own).chain(inner));
        let last = self.tree.axes.len();
        let inner = last - along - over;
        let blocks = self.tree.axes[first..inner].iter().map(|&p| sizes[p as usize]).product();
        let up = Operand { base: 0, along: Along::Constant, strides: 0 };
        let (inputs, outputs, width, down, parent) = ((0, 0), (0, 0), 0, 0, ROOT);
        let (wanted, maximised, kept) = (false, false, None);
        Clique {
            kept,
            first,
            inner,
            last,
            block,
            blocks,
            parent,
            inputs,
            outputs,
            up,
            width,
            down,
            wanted,
            maximised,
            own,
        }
    }

    fn load(&mut self, source: Source, vars: &[usize]) {
        let mut axes: SmallVec<[(usize, usize, usize); 6]> = SmallVec::new();
        let mut cut = SmallVec::new();
        let mut stride = 1;
        for &v in vars.iter().rev() {
            let card = self.network.cards()[v];
            match self.tree.places[v] {
                ROOT => cut.push((v, stride)),
                place => axes.push((place, card, stride)),
            }
            stride *= card;
        }
        axes.sort_unstable();
        let own = match source {
            Source::Table(v) => axes.iter().position(|axis| axis.0 == self.tree.places[v]),
            Source::Given(_) => None,
        };
        let cells: usize = axes.iter().map(|axis| axis.1).product();
        if let Source::Table(v) = source {
            self.tree.tables[v] = self.tree.loaded.len();
        }
        self.scopes.push(axes.iter().map(|axis| axis.0 as u32).collect());
        self.tree.loaded.push(Loaded {
            source,
            base: self.tree.store,
            sizes: axes.iter().map(|axis| axis.1).collect(),
            strides: axes.iter().map(|axis| axis.2).collect(),
            cut,
            own,
        });
        self.tree.store += cells;
    }

    /// A table over `scope` (ascending places) that begins at `base`, as a clique's loops see it.
    fn operand(&mut self, loops: &Clique, scope: &[u32], base: usize) -> Operand {
        let tree = &mut self.tree;
        let mut stride = 1;
        for &place in scope.iter().rev() {
            self.stride[place as usize] = stride;
            stride *= tree.sizes[place as usize] as u32;
        }
        let strides = tree.strides.len();
        tree.strides.extend(tree.axes[loops.first..loops.inner].iter().map(|&p| self.stride[p as usize]));
        self.along.clear();
        let inner = tree.axes[loops.inner..loops.last].iter();
        let inner = inner.map(|&p| (tree.sizes[p as usize], self.stride[p as usize]));
        self.along.extend(inner.filter(|axis| axis.0 > 1));
        scope.iter().for_each(|&place| self.stride[place as usize] = 0);
        let along = simple(&self.along).unwrap_or_else(|| {
            let start = tree.offsets.len() as u32;
            let (head, run, there) = tail(&self.along);
            list(head, &mut tree.offsets);
            if there { Along::Runs { start, run } } else { Along::Spread { start, run } }
        });
        Operand { base, along, strides }
    }
}

/// How (size, stride) axes, all of more than one state, run, where a list is not needed: missing axes first, then those there, then missing ones, with at
/// most one of the two missing groups.
fn simple(axes: &[(usize, u32)]) -> Option<Along> {
    let here = |axis: &(usize, u32)| axis.1 > 0;
    let Some(start) = axes.iter().position(here) else { return Some(Along::Constant) };
    let end = axes.iter().rposition(here).map_or(start, |e| e + 1);
    let cells = |axes: &[(usize, u32)]| axes.iter().map(|axis| axis.0).product::<usize>() as u32;
    // What is there must lie together: each stride the size of all later axes of the group.
    let mut next = 1;
    for &(size, stride) in axes[start..end].iter().rev() {
        if stride != next {
            return None;
        }
        next *= size as u32;
    }
    match (cells(&axes[..start]), next, cells(&axes[end..])) {
        (_, 1, _) => Some(Along::Constant),
        (1, _, 1) => Some(Along::Each),
        (1, _, after) => Some(Along::Held(after)),
        (_, inside, 1) => Some(Along::Again(inside)),
        _ => None,
    }
}

/// The axes before the last ones that are all there, one after the other, or all missing; how many entries these make, and
/// whether they are there.
fn tail(axes: &[(usize, u32)]) -> (&[(usize, u32)], u32, bool) {
    let there = axes.last().is_some_and(|axis| axis.1 > 0);
    let (mut head, mut run) = (axes, 1);
    while let [first @ .., (size, stride)] = head
        && *stride == if there { run } else { 0 }
    {
        run *= *size as u32;
        head = first;
    }
    (head, run, there)
}

/// Appends the offset of every entry over some axes.
fn list(axes: &[(usize, u32)], offsets: &mut Vec<u32>) {
    let start = offsets.len();
    offsets.push(0);
    for &(size, stride) in axes {
        // Each entry so far becomes `size` entries, the new axis fastest.
        let old = offsets.len() - start;
        offsets.resize(start + old * size, 0);
        for i in (0..old).rev() {
            let base = offsets[start + i];
            for digit in 0..size {
                offsets[start + i * size + digit] = base + digit as u32 * stride;
            }
        }
    }
}

/// A factor's values and their strides, by source.
pub(super) fn table<'t>(network: &'t Network, given: &'t [Factor], source: Source) -> &'t [f64] {
    match source {
        Source::Table(v) => &network.tables()[v],
        Source::Given(i) => given[i].values(),
    }
}
