use super::*;
use crate::diag::Diag;

fn drawn(item: &str) -> Drawing {
    let item = item.parse().unwrap_or_else(|error| panic!("{item}: {error}"));
    let mut diag = Diag::default();
    let machine = crate::check::fsm(proc_macro2::TokenStream::new(), &item, &mut diag);
    let machine = machine.unwrap_or_else(|| panic!("no enum"));
    assert_eq!(diag.len(), 0, "{}", diag.into_tokens());
    drawing(machine.get())
}

const PURCHASE: &str = r#"
#[group(Open, next(Cancelled), accepts(Cancel), timeout("30 days" => Expired {}))]
#[group(Early, parent(Open))]
#[reject]
#[derive(Serialize, Deserialize)]
enum Purchase {
    #[initial] #[next(Paid)] #[parent(Early)] #[accepts(Pay)] #[timeout("3  days" => Cancelled {})]
    Placed { cart: Cart },
    #[commit] #[next(Shipped, Paid)] #[parent(Open)] #[ignore(Pay)]
    Paid { cart: Cart },
    #[terminal] Shipped { tracking: String },
    #[terminal] Cancelled,
    #[terminal] Expired,
    #[next(End)] #[timeout("1s" => End)] Note,
    #[terminal] End,
}
"#;

#[test]
fn a_machine_is_a_state_diagram_whose_groups_are_composite_states() {
    let mermaid = drawn(&PURCHASE.replace("Shipped, Paid", "Shipped, Paid, Note")).mermaid;
    let expected = r#"stateDiagram-v2
    Shipped
    Cancelled
    Expired
    state "Note" as Note_
    state "End" as End_
    state Open {
        state "Paid (commit)" as Paid
        state Early {
            Placed
        }
    }
    [*] --> Placed
    Placed --> Paid
    Placed --> Cancelled : after 3 days
    Paid --> Shipped
    Paid --> Paid
    Paid --> Note_
    Shipped --> [*]
    Cancelled --> [*]
    Expired --> [*]
    Note_ --> End_
    Note_ --> End_ : after 1s
    End_ --> [*]
    Open --> Cancelled
    Open --> Expired : after 30 days
"#;
    assert_eq!(mermaid, expected);
}

#[test]
fn a_state_called_like_a_word_of_mermaid_is_not_taken_for_another_one() {
    let drawn = drawn(
        "#[derive(Serialize, Deserialize)] enum M { #[initial] #[next(End_, End__)] Begin, #[next(End)] End_, #[next(End)] End__, #[terminal] End }",
    );
    let expected = r#"stateDiagram-v2
    Begin
    End_
    End__
    state "End" as End___
    [*] --> Begin
    Begin --> End_
    Begin --> End__
    End_ --> End___
    End__ --> End___
    End___ --> [*]
"#;
    assert_eq!(drawn.mermaid, expected);
}

#[test]
fn a_machine_is_a_graph_whose_groups_are_clusters() {
    let dot = drawn(&PURCHASE.replace("Shipped, Paid", "Shipped, Paid, Note")).dot;
    let expected = r#"digraph "Purchase" {
    compound=true;
    node [shape=box, style=rounded];
    begin [shape=point];
    s2 [label="Shipped", peripheries=2];
    s3 [label="Cancelled", peripheries=2];
    s4 [label="Expired", peripheries=2];
    s5 [label="Note"];
    s6 [label="End", peripheries=2];
    subgraph cluster_0 {
        label="Open";
        s1 [label="Paid", style="rounded,bold"];
        subgraph cluster_1 {
            label="Early";
            s0 [label="Placed"];
        }
    }
    begin -> s0;
    s0 -> s1;
    s0 -> s3 [label="after 3 days", style=dashed];
    s1 -> s2;
    s1 -> s1;
    s1 -> s5;
    s5 -> s6;
    s5 -> s6 [label="after 1s", style=dashed];
    s0 -> s3 [ltail=cluster_0];
    s0 -> s4 [ltail=cluster_0, label="after 30 days", style=dashed];
}
"#;
    assert_eq!(dot, expected);
}

#[test]
fn a_machine_is_a_table_of_what_its_states_do_with_its_signals() {
    let table = drawn(&PURCHASE.replace("Shipped, Paid", "Shipped, Paid, Note")).table;
    let expected = "\
| state | Pay | Cancel |
|---|---|---|
| Placed | accept | accept |
| Paid | ignore | accept |
| Shipped | ended | ended |
| Cancelled | ended | ended |
| Expired | ended | ended |
| Note | reject | reject |
| End | ended | ended |
";
    assert_eq!(table, expected);
}

#[test]
fn signals_of_one_last_name_are_told_apart() {
    let table = drawn(
        "#[reject] #[derive(Serialize, Deserialize)] enum M { #[initial] #[accepts(a::Go, b::Go, Stop)] #[next(End)] Begin, #[terminal] End }",
    );
    assert!(table.table.starts_with("| state | a::Go | b::Go | Stop |"), "{}", table.table);
}

#[test]
fn the_diagram_stands_behind_the_words_of_an_enum_that_has_some() {
    let expanded = |item: &str| {
        let item = item.parse().unwrap_or_else(|error| panic!("{item}: {error}"));
        crate::fsm_of(proc_macro2::TokenStream::new(), item).to_string()
    };
    let text = expanded("/// A purchase.\nenum M { #[initial] #[next(End)] Begin, #[terminal] End }");
    let (words, drawing) = (text.find("A purchase."), text.find("# States"));
    assert!(words.is_some() && words < drawing, "{text}");
    // The drawing stands in the graph, too, which comes behind the module.
    let (item, _) = text.split_once("mod m ").unwrap_or_default();
    assert!(item.contains("```mermaid\\nstateDiagram-v2\\n") && item.contains("Begin --> "), "{item}");
    assert!(!expanded("enum M { #[initial] #[next(End)] Begin, #[terminal] End }").contains("# States"));
}
