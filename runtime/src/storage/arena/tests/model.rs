//! The arena against a `HashMap`, in any order of what a caller may do.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

/// What the caller does. A `usize` chooses a blob among those that are known.
#[derive(Debug, Clone)]
enum Op {
    Put(usize),
    PutTogether(Vec<usize>),
    /// One of a few contents.
    PutContent(u8),
    PutAndDrop(usize),
    Open(usize),
    Drop(usize),
    Name(usize),
    Checkpoint,
    Unreference(usize),
    Collect,
    Move,
    /// Copies are made, and the checkpoint does not take them over.
    MoveInVain,
    Reopen {
        crash: Option<u64>,
    },
}

fn op() -> impl Strategy<Value = Op> {
    let size = prop_oneof![0..200usize, 5000..20_000usize, 60_000..80_000usize];
    prop_oneof![
        4 => size.clone().prop_map(Op::Put),
        2 => prop::collection::vec(size.clone(), 2..5).prop_map(Op::PutTogether),
        2 => (0..4u8).prop_map(Op::PutContent),
        1 => size.prop_map(Op::PutAndDrop),
        2 => any::<usize>().prop_map(Op::Open),
        4 => any::<usize>().prop_map(Op::Drop),
        4 => any::<usize>().prop_map(Op::Name),
        2 => Just(Op::Checkpoint),
        2 => any::<usize>().prop_map(Op::Unreference),
        3 => Just(Op::Collect),
        3 => Just(Op::Move),
        1 => Just(Op::MoveInVain),
        2 => prop::option::of(any::<u64>()).prop_map(|crash| Op::Reopen { crash }),
    ]
}

#[derive(Debug, Default)]
struct Known {
    bytes: Vec<u8>,
    digest: Option<Digest>,
    handles: Vec<Blob>,
    /// Records after the applied LSN.
    records: Vec<(Lsn, BlobAt)>,
    row: Option<BlobAt>,
}

impl Known {
    fn is_live(&self) -> bool {
        !self.handles.is_empty() || !self.records.is_empty() || self.row.is_some()
    }
}

struct World {
    bench: Bench,
    arena: Arena,
    known: HashMap<u64, Known>,
    last: u64,
    written: u8,
}

impl World {
    fn new(bench: Bench) -> World {
        let arena = bench.open();
        World { bench, arena, known: HashMap::new(), last: 0, written: 0 }
    }

    fn bytes(&mut self, size: usize) -> Vec<u8> {
        self.written = self.written.wrapping_add(1);
        vec![self.written; size]
    }

    /// The ids of those blobs that pass, in order, of which `i` chooses one.
    fn choose(&self, i: usize, pass: impl Fn(&Known) -> bool) -> Option<u64> {
        let mut ids: Vec<u64> = self.known.iter().filter(|(_, known)| pass(known)).map(|(id, _)| *id).collect();
        ids.sort();
        (!ids.is_empty()).then(|| ids[i % ids.len()])
    }

    fn keep(&mut self, blob: Blob, bytes: Vec<u8>, digest: Option<Digest>) {
        let known = self.known.entry(blob.at().id).or_default();
        assert!(!known.is_live() || digest.is_some() && known.bytes == bytes, "an id is given to two blobs");
        if !known.is_live() {
            *known = Known::default();
        }
        known.bytes = bytes;
        known.digest = digest;
        known.handles.push(blob);
    }

    async fn run(&mut self, op: Op) {
        match op {
            Op::Put(size) => self.put(vec![size]).await,
            Op::PutTogether(sizes) => self.put(sizes).await,
            Op::PutContent(content) => {
                let bytes = vec![content; 3000 + usize::from(content)];
                let (digest, blob) = self.arena.put_content(source(&bytes)).await.unwrap();
                let same = |known: &Known| known.digest == Some(digest) && known.is_live();
                let there = self.choose(0, same);
                assert!(there.is_none_or(|id| id == blob.at().id), "one content is stored twice");
                self.keep(blob, bytes, Some(digest));
            }
            Op::PutAndDrop(size) => {
                let bytes = self.bytes(size);
                drop(self.arena.put(source(&bytes), 0));
            }
            Op::Open(i) => {
                if let Some(id) = self.choose(i, Known::is_live) {
                    let blob = self.arena.get(id).unwrap();
                    self.known.get_mut(&id).unwrap().handles.push(blob);
                }
            }
            Op::Drop(i) => {
                if let Some(id) = self.choose(i, |known| !known.handles.is_empty()) {
                    self.known.get_mut(&id).unwrap().handles.remove(0);
                }
            }
            Op::Name(i) => {
                if let Some(id) = self.choose(i, |known| !known.handles.is_empty()) {
                    self.last += 1;
                    let known = self.known.get_mut(&id).unwrap();
                    known.records.push((Lsn(self.last), known.handles[0].at()));
                    self.arena.named(id, Lsn(self.last));
                }
            }
            Op::Checkpoint => {
                for (id, known) in &mut self.known {
                    if !std::mem::take(&mut known.records).is_empty() {
                        known.row = Some(self.arena.place(*id).unwrap());
                        self.arena.referenced(*id);
                    }
                }
                self.arena.applied(Lsn(self.last));
            }
            Op::Unreference(i) => {
                if let Some(id) = self.choose(i, |known| known.row.is_some()) {
                    self.known.get_mut(&id).unwrap().row = None;
                    self.arena.unreferenced(id);
                }
            }
            Op::Collect => self.collect(),
            Op::Move => {
                for at in self.moved().await {
                    let known = self.known.get_mut(&at.id).unwrap();
                    assert!(known.row.is_some(), "only what a row says can be moved");
                    known.row = Some(at);
                    self.arena.moved(vec![at]);
                }
            }
            Op::MoveInVain => drop(self.moved().await),
            Op::Reopen { crash } => self.reopen(crash).await,
        }
    }

    async fn put(&mut self, sizes: Vec<usize>) {
        let bodies: Vec<Vec<u8>> = sizes.into_iter().map(|size| self.bytes(size)).collect();
        let puts: Vec<_> = bodies.iter().map(|bytes| self.arena.put(source(bytes), 0)).collect();
        for (put, bytes) in puts.into_iter().zip(bodies) {
            self.keep(put.await.unwrap(), bytes, None);
        }
    }

    async fn moved(&self) -> Vec<BlobAt> {
        match self.arena.survivors() {
            Some(moving) => self.arena.move_blobs(moving).await.unwrap(),
            None => Vec::new(),
        }
    }

    fn collect(&mut self) {
        assert_eq!(self.arena.collect().failures.len(), 0);
        let arena = &self.arena;
        self.known.retain(|id, known| known.is_live() || arena.get(*id).is_ok());
    }

    async fn reopen(&mut self, crash: Option<u64>) {
        self.known.values_mut().for_each(|known| known.handles.clear());
        self.arena.close().await;
        if let Some(seed) = crash {
            self.bench.memory.crash(&mut Dice(seed));
        }
        self.known.retain(|_, known| known.is_live());
        self.arena = self.bench.open_with(self.known.values().filter_map(|known| known.row).collect()).unwrap();
        let mut records: Vec<&(Lsn, BlobAt)> = self.known.values().flat_map(|known| &known.records).collect();
        records.sort_by_key(|(lsn, _)| *lsn);
        for (lsn, at) in &records {
            self.arena.note(at).unwrap();
            self.arena.named(at.id, *lsn);
        }
        for (id, known) in &self.known {
            if let Some(digest) = known.digest {
                self.arena.known_content(digest, *id).unwrap();
            }
        }
        let oldest = records.iter().map(|(lsn, _)| lsn.0 - 1).min();
        self.arena.applied(Lsn(oldest.unwrap_or(self.last)));
    }

    fn check(&self) {
        for (id, known) in self.known.iter().filter(|(_, known)| known.is_live()) {
            let blob = self.arena.get(*id).unwrap();
            assert_eq!(*blob, *known.bytes);
            assert!(known.handles.iter().all(|handle| **handle == *known.bytes));
        }
    }

    /// Everybody lets go: nothing stays but what is written.
    async fn end(&mut self) {
        self.run(Op::Move).await;
        self.reopen(None).await;
        self.run(Op::Checkpoint).await;
        for id in self.known.keys() {
            self.arena.unreferenced(*id);
        }
        self.arena.collect();
        assert_eq!((self.arena.stats().blobs, self.arena.stats().bytes_live), (0, 0));
        assert!(self.bench.segments().len() <= 1, "only the segment is left in which appending goes on");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_arena_holds_what_a_map_would(ops in prop::collection::vec(op(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new(Bench::new());
            for op in ops {
                world.run(op).await;
                world.check();
            }
            world.end().await;
        });
    }
}

/// The same over real files and their views.
#[test]
fn the_arena_holds_on_a_real_disk_what_a_map_would() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut runner = TestRunner::deterministic();
    for _ in 0..5 {
        let dir = tempfile::tempdir().unwrap();
        let ops = prop::collection::vec(op(), 40..60).new_tree(&mut runner).unwrap().current();
        runtime.block_on(async {
            let mut world = World::new(Bench::on_disk(dir.path()));
            for op in ops {
                world.run(op).await;
                world.check();
            }
            world.end().await;
        });
    }
}
