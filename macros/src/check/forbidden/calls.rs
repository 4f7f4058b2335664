//! The calls that are known to have no place in the body of a saga or a handler, and what is written instead.

use super::super::kind::Kind;

/// Why it must not be called.
#[derive(Clone, Copy)]
pub(super) enum Why {
    /// It reads a clock.
    Clock,
    /// It draws from chance.
    Chance,
    /// It makes an id nobody else has.
    Uuid,
    /// It gives something of the world, which may be another each time.
    Value,
    /// It acts on the world.
    Effect,
    /// It starts something that a replay would start again.
    Spawn,
    /// It waits without a record.
    Wait,
    /// It waits again and again.
    Ticks,
    /// It bounds a wait.
    Limit,
    /// It lets branches go on in an order of their own.
    Branches(&'static str),
    /// It takes what is first.
    First,
}

impl Why {
    pub(super) fn message(self, kind: Kind, name: &str) -> String {
        let differs = "its value would differ in a replay";
        let lost = "this wait is lost in a crash";
        let (what, mend) = match self {
            Why::Clock => (differs, "write `now().await`, whose value is recorded".to_owned()),
            Why::Chance => (differs, "write `random::<T>().await`, whose value is recorded".to_owned()),
            Why::Uuid => (differs, "write `uuid().await`, whose value is recorded".to_owned()),
            Why::Value => (differs, "read it in a `#[step]` and return it from there".to_owned()),
            Why::Effect => ("a replay would do it again", "do it in a `#[step]`".to_owned()),
            Why::Spawn => (
                "a replay would start it again, and nothing records how it ends",
                "make it a `#[step]`, or a `#[saga]` and write `spawn(saga(..)).await`".to_owned(),
            ),
            Why::Wait => (lost, "write `sleep(..).await` of `factum::prelude`, which is recorded".to_owned()),
            Why::Ticks => (lost, "write a loop with `sleep(..).await`, which is recorded".to_owned()),
            Why::Limit => (lost, "write `race((a, sleep(..))).await`, or `signal::<T>().timeout(..).await`".to_owned()),
            Why::Branches(durable) => {
                (ORDER, format!("write `{durable}.await`, whose branches have places of their own"))
            }
            Why::First => (FIRST, RACE.to_owned()),
        };
        format!("`{name}` in {}: {what}; {mend}", kind.a())
    }
}

const ORDER: &str = "the order in which its branches go on would differ in a replay";
const FIRST: &str = "which branch is first would differ in a replay";
const RACE: &str = "write `race((a, b)).await`, whose winner is recorded";

/// Paths that end like this, with their first segment where that is needed to tell.
pub(super) const ENDS: &[(&[&str], Why)] = &[
    (&["SystemTime", "now"], Why::Clock),
    (&["Instant", "now"], Why::Clock),
    (&["Utc", "now"], Why::Clock),
    (&["Local", "now"], Why::Clock),
    (&["Zoned", "now"], Why::Clock),
    (&["Timestamp", "now"], Why::Clock),
    (&["OffsetDateTime", "now_utc"], Why::Clock),
    (&["OffsetDateTime", "now_local"], Why::Clock),
    (&["Uuid", "new_v1"], Why::Uuid),
    (&["Uuid", "new_v4"], Why::Uuid),
    (&["Uuid", "new_v6"], Why::Uuid),
    (&["Uuid", "new_v7"], Why::Uuid),
    (&["Uuid", "now_v1"], Why::Uuid),
    (&["Uuid", "now_v6"], Why::Uuid),
    (&["Uuid", "now_v7"], Why::Uuid),
    (&["thread_rng"], Why::Chance),
    (&["env", "var"], Why::Value),
    (&["env", "var_os"], Why::Value),
    (&["env", "vars"], Why::Value),
    (&["env", "args"], Why::Value),
    (&["env", "current_dir"], Why::Value),
    (&["thread", "sleep"], Why::Wait),
    (&["thread", "spawn"], Why::Spawn),
    (&["thread", "scope"], Why::Spawn),
    (&["spawn_blocking"], Why::Spawn),
    (&["JoinSet", "new"], Why::Spawn),
    (&["task", "spawn"], Why::Spawn),
    (&["task", "spawn_local"], Why::Spawn),
    (&["fs", "read"], Why::Effect),
    (&["fs", "read_to_string"], Why::Effect),
    (&["fs", "read_dir"], Why::Effect),
    (&["fs", "write"], Why::Effect),
    (&["fs", "copy"], Why::Effect),
    (&["fs", "rename"], Why::Effect),
    (&["fs", "remove_file"], Why::Effect),
    (&["fs", "create_dir"], Why::Effect),
    (&["fs", "create_dir_all"], Why::Effect),
    (&["File", "open"], Why::Effect),
    (&["File", "create"], Why::Effect),
    (&["OpenOptions", "new"], Why::Effect),
    (&["Command", "new"], Why::Effect),
    (&["TcpStream", "connect"], Why::Effect),
    (&["TcpListener", "bind"], Why::Effect),
    (&["UdpSocket", "bind"], Why::Effect),
    (&["UnixStream", "connect"], Why::Effect),
    (&["UnixListener", "bind"], Why::Effect),
    (&["future", "join_all"], Why::Branches("all(..)")),
    (&["future", "try_join_all"], Why::Branches("try_all(..)")),
    (&["future", "join"], Why::Branches("join((a, b))")),
    (&["future", "try_join"], Why::Branches("join((a, b))")),
    (&["future", "select"], Why::First),
    (&["future", "select_all"], Why::First),
    (&["FuturesUnordered", "new"], Why::First),
    (&["RandomState", "new"], Why::Chance),
    (&["io", "stdin"], Why::Value),
    (&["process", "exit"], Why::Effect),
    (&["process", "abort"], Why::Effect),
];

/// Paths that begin like this.
pub(super) const STARTS: &[(&[&str], Why)] = &[
    (&["getrandom"], Why::Chance),
    (&["fastrand"], Why::Chance),
    (&["rand", "random"], Why::Chance),
    (&["rand", "random_range"], Why::Chance),
    (&["rand", "random_bool"], Why::Chance),
    (&["rand", "random_ratio"], Why::Chance),
    (&["rand", "random_iter"], Why::Chance),
    (&["rand", "fill"], Why::Chance),
    (&["rand", "rng"], Why::Chance),
    (&["rand", "rngs"], Why::Chance),
    (&["tokio", "spawn"], Why::Spawn),
    (&["tokio", "task"], Why::Spawn),
    (&["tokio", "time", "Instant"], Why::Clock),
    (&["tokio", "time", "sleep"], Why::Wait),
    (&["tokio", "time", "sleep_until"], Why::Wait),
    (&["tokio", "time", "interval"], Why::Ticks),
    (&["tokio", "time", "interval_at"], Why::Ticks),
    (&["tokio", "time", "timeout"], Why::Limit),
    (&["tokio", "time", "timeout_at"], Why::Limit),
    (&["tokio", "fs"], Why::Effect),
    (&["tokio", "net"], Why::Effect),
    (&["tokio", "process"], Why::Effect),
    (&["std", "thread"], Why::Spawn),
    (&["std", "env"], Why::Value),
    (&["std", "fs"], Why::Effect),
    (&["std", "process", "Command"], Why::Effect),
    (&["std", "process", "id"], Why::Value),
    (&["rayon"], Why::Spawn),
    (&["reqwest", "get"], Why::Effect),
    (&["std", "net", "TcpStream"], Why::Effect),
    (&["std", "net", "TcpListener"], Why::Effect),
    (&["std", "net", "UdpSocket"], Why::Effect),
];
