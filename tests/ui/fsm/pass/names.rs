//! Names that are in the way, names of every kind, and every visibility.
#![deny(warnings, missing_docs, unreachable_pub)]
#![allow(dead_code, non_camel_case_types, non_snake_case, non_upper_case_globals)]

mod core {}
mod std {}
mod factum {}
mod __private {}

struct Result;
struct Option;
struct String;
struct Box;
struct Some;
struct None;
struct Ok;
struct Err;
struct Never;
struct Plan;
struct Graph;
trait From {}
trait Into {}
trait TryFrom {}
trait Send {}
trait State {}
trait Fsm {}
trait Handler {}
trait Transition {}
trait Startable {}

/// Methods that every type has.
trait Everything {
    const NAME: () = ();
    const INDEX: () = ();
    const TIMEOUTS: () = ();
    const __FACTUM: () = ();

    fn index(&self) {}
    fn visit(&self) {}
    fn from(&self) {}
    fn into(&self) {}
    fn try_from(&self) {}
    fn meta(&self) {}
    fn successor(&self) {}
    fn into_start(&self) {}
}
impl<T: ?::core::marker::Sized> Everything for T {}

fn go() {}
fn visit() {}
fn ended() {}
const from: () = ();
static to: () = ();

#[derive(Debug, Clone, PartialEq, ::serde::Serialize, ::serde::Deserialize)]
pub(crate) struct Cart;

mod shop {
    #[derive(Debug, Clone, PartialEq, ::serde::Serialize, ::serde::Deserialize)]
    pub(crate) struct Payment;

    pub(crate) mod inner {
        use ::factum::{fsm, state};

        pub(crate) fn nothing() -> ::std::string::String {
            ::std::string::String::new()
        }

        pub(crate) fn is_nothing(text: &str) -> bool {
            text.is_empty()
        }

        /// A variant called like its field's type, paths from here and above, and raw names.
        #[fsm(name = "r", error = ::std::string::String)]
        #[derive(Debug, Clone, PartialEq, ::serde::Serialize, ::serde::Deserialize)]
        pub(in super::super) enum Type {
            #[initial]
            #[next(Cart, r#Type)]
            #[timeout("1s" => Cart { Cart: state.cart, r#type: self::nothing() })]
            Payment { payment: super::Payment, own: self::Own, cart: super::super::Cart },
            #[terminal]
            Cart {
                Cart: super::super::Cart,
                #[serde(default = "self::nothing", skip_serializing_if = "super::inner::is_nothing")]
                r#type: ::std::string::String,
            },
            #[next(Cart)]
            Type(Own, super::Payment),
        }

        #[derive(Debug, Clone, PartialEq, ::serde::Serialize, ::serde::Deserialize)]
        pub(crate) struct Own;

        #[state]
        async fn payment(
            r#type::Payment { payment, own, .. }: r#type::Payment,
        ) -> ::std::result::Result<::factum::Next<r#type::Payment>, ::std::string::String> {
            ::std::result::Result::Ok(::factum::go(r#type::Type(own, payment)))
        }

        #[state]
        async fn type_(
            state: r#type::Type,
        ) -> ::std::result::Result<::factum::Next<r#type::Type>, ::std::string::String> {
            let _ = state.1;
            ::std::result::Result::Ok(::factum::go(r#type::Cart { Cart: super::super::Cart, r#type: self::nothing() }))
        }
    }
}

mod states {
    use ::factum::{Next, fsm, go, signal, state};

    #[signal]
    #[derive(::serde::Serialize, ::serde::Deserialize)]
    struct Pay;

    /// States called like what every program has.
    #[fsm(module = prelude_states)]
    #[reject]
    #[derive(Debug, Clone, PartialEq, ::serde::Serialize, ::serde::Deserialize)]
    enum Common {
        #[initial]
        #[next(Some, Result)]
        #[accepts(self::Pay)]
        #[timeout("1s" => Err)]
        Option,
        #[next(None)]
        #[timeout("1s" => prelude_states::Ok {})]
        Some(Option<u8>),
        #[next(Err)]
        #[timeout("1s" => Common::None)]
        Result(Vec<String>, Box<Result<u8, String>>),
        #[terminal]
        None,
        #[terminal]
        Ok,
        #[terminal]
        Err,
    }

    #[state]
    async fn option(_: prelude_states::Option) -> Next<prelude_states::Option> {
        ::factum::signal::<Pay>().await;
        go(prelude_states::Some(Option::Some(1)))
    }

    #[state]
    async fn some(_: prelude_states::Some) -> Next<prelude_states::Some> {
        go(prelude_states::None)
    }

    #[state]
    async fn result(_: prelude_states::Result) -> Next<prelude_states::Result> {
        go(prelude_states::Err)
    }

    pub(super) fn drawn() -> ::factum::Diagram {
        Common::diagram()
    }
}

macro_rules! machine {
    ($machine:ident, $module:ident, $first:ident, $ty:ty, $end:expr) => {
        #[::factum::fsm]
        #[derive(::serde::Serialize, ::serde::Deserialize)]
        enum $machine {
            #[initial]
            #[next(Last)]
            #[timeout("1s" => Last { of: $end(state.of) })]
            $first { of: $ty },
            #[terminal]
            Last { of: $ty },
        }

        #[::factum::state]
        async fn first(now: $module::$first) -> ::factum::Next<$module::$first> {
            ::factum::go($module::Last { of: now.of })
        }
    };
}
machine!(ByMacro, by_macro, First, u8, ::std::convert::identity);

fn main() {
    let end = shop::inner::r#type::Cart { Cart, r#type: shop::inner::nothing() };
    let machine: shop::inner::Type = ::std::convert::Into::into(end);
    assert_eq!(serde_json::to_string(&machine).unwrap(), r#"{"Cart":{"Cart":null}}"#);
    assert!(states::drawn().mermaid().contains("Option --> Err : after 1s"));
}
