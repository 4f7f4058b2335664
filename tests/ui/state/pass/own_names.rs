//! A crate whose own names are those of the language, with a machine and its handlers.
#![deny(warnings)]
#![allow(dead_code, non_camel_case_types, reason = "they are there to be in the way")]

mod factum {}
mod go {}
mod durable {}

struct Next;
struct State;
struct Handler;
struct Result;
struct Option;
struct Ok;
struct Err;
struct Box;
struct Cx;
struct Fsm;
struct Plan;
trait Transition {}
trait HandlerReturn {}
trait WorkflowSig {}
trait Into {}
trait From {}
trait Send {}
trait StateOf {}
fn state() {}
fn spawn() {}

/// Methods that every type has.
trait Everything {
    const PLAN: () = ();
    const EXITS: () = ();
    const TERMINAL: () = ();
    fn handle(&self) {}
    fn into_result(&self) {}
    fn into(&self) {}
    fn perform(&self) {}
}
impl<T: ?Sized> Everything for T {}

mod values {
    use serde::{Deserialize, Serialize};

    #[::factum::fsm(error = std::string::String)]
    #[derive(Serialize, Deserialize)]
    pub enum Light {
        #[initial]
        #[next(Green)]
        Red { cars: u32 },
        #[terminal]
        Green,
    }
}

#[::factum::state]
async fn red(
    values::light::Red { cars: __factum }: values::light::Red,
) -> ::core::result::Result<::factum::Next<values::light::Red>, ::std::string::String> {
    let cx = __factum;
    let (state, next) = (cx + 1, 2);
    ::factum::sleep(::factum::seconds(u64::from(state + next))).await;
    ::core::result::Result::Ok(::factum::go(values::light::Green))
}

macro_rules! handler {
    ($name:ident, $arg:ident: $of:ty, $seconds:expr, $to:expr) => {
        #[::factum::state]
        async fn $name($arg: $of) -> ::factum::Next<$of> {
            let cx = $seconds;
            ::factum::sleep(::factum::seconds(cx)).await;
            ::factum::go($to)
        }
    };
}

mod lamp {
    #[::factum::fsm]
    #[derive(serde::Serialize, serde::Deserialize)]
    pub enum Lamp {
        #[initial]
        #[next(Off)]
        On(u64),
        #[terminal]
        Off,
    }

    handler!(on, state: lamp::On, state.0, lamp::Off);
}

fn main() {
    let _ = ::factum::Engine::builder("data").fsm::<values::Light>().fsm::<lamp::Lamp>();
}
