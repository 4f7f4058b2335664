use factum::prelude::*;
use serde::{Deserialize, Serialize};

#[fsm]
#[derive(Serialize, Deserialize)]
enum Purchase {
    #[timeout("3 dys" => Late)]
    One,
    #[timeout("3 days")]
    Two,
    #[timeout("3 days" => Laet)]
    Three,
    #[timeout("3 days" => Shipped)]
    Four,
    #[timeout("3 days" => Late { by: 1 })]
    Five,
    #[timeout("3 days" => late())]
    Six,
    #[timeout("3 days" => match state { _ => Late })]
    Seven,
    #[timeout("3 days" => Shipped { tracking: std::env::var("T")? })]
    Eight,
    #[timeout = "3 days"]
    Nine,
    #[initial]
    #[next(One, Two, Three, Four, Five, Six, Seven, Eight, Nine)]
    Begin,
    #[terminal]
    Shipped { tracking: String },
    #[terminal]
    Late,
}

fn main() {}
