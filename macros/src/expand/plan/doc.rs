//! The plan as a drawing in the saga's documentation, as far as its tokens tell it.
//!
//! `factum::diagram` draws the plan itself, which knows more: this one has the
//! names as they stand in the body.

use super::leave::Leave;
use super::{Node, Part};

/// A section with the drawing; none where nothing is awaited.
pub(super) fn section(name: &str, nodes: &[Node]) -> Option<String> {
    if nodes.is_empty() {
        return None;
    }
    let mut drawing = Drawing::default();
    let start = drawing.node(("([", "])"), name, &[]);
    let mut ends = drawing.nodes(nodes, start);
    ends.append(&mut drawing.left);
    drawing.node(("([", "])"), "end", &ends);
    Some(format!("\n# Plan\n```mermaid\nflowchart TD\n{}{}```\n", drawing.lines, drawing.edges))
}

#[derive(Debug, Default)]
struct Drawing {
    count: usize,
    lines: String,
    edges: String,
    /// After which nodes the body, the innermost loop or its turn ends early.
    left: Vec<usize>,
    breaks: Vec<usize>,
    turns: Vec<usize>,
}

impl Drawing {
    /// Adds a node behind others; it is the next end.
    fn node(&mut self, (open, close): (&str, &str), label: &str, before: &[usize]) -> Vec<usize> {
        let to = self.count;
        self.count += 1;
        self.lines += &format!("    n{to}{open}\"{}\"{close}\n", escape(label));
        self.edges(before, to);
        vec![to]
    }

    fn edges(&mut self, before: &[usize], to: usize) {
        before.iter().for_each(|from| self.edges += &format!("    n{from} --> n{to}\n"));
    }

    fn nodes(&mut self, nodes: &[Node], before: Vec<usize>) -> Vec<usize> {
        nodes.iter().fold(before, |before, node| match node {
            Node::Leaf(leaf) => self.node(("[", "]"), &leaf.label, &before),
            Node::Branch(arms) => {
                let choice = self.node(("{", "}"), "?", &before);
                let mut ends: Vec<usize> = arms.iter().flat_map(|arm| self.part(arm, choice.clone())).collect();
                ends.sort_unstable();
                ends.dedup();
                ends
            }
            Node::Loop(body) => {
                let outer = (std::mem::take(&mut self.breaks), std::mem::take(&mut self.turns));
                let mut ends = self.node(("((", "))"), "loop", &before);
                let mut turn = self.part(body, ends.clone());
                turn.append(&mut self.turns);
                ends.iter().for_each(|&head| self.edges(&turn, head));
                ends.append(&mut self.breaks);
                (self.breaks, self.turns) = outer;
                ends
            }
        })
    }

    /// The ends of a part from which what follows is reached.
    fn part(&mut self, part: &Part, before: Vec<usize>) -> Vec<usize> {
        let mut ends = self.nodes(&part.nodes, before);
        match part.leaves {
            None => return ends,
            Some(Leave::Body) => self.left.append(&mut ends),
            Some(Leave::Loop) => self.breaks.append(&mut ends),
            Some(Leave::Turn) => self.turns.append(&mut ends),
        }
        ends
    }
}

/// A label without anything that Mermaid would take for its own.
fn escape(label: &str) -> String {
    label.replace(['"', '#', '&', '<', '>', '`', ';', '\\'], " ")
}

#[cfg(test)]
mod tests {
    use super::super::walk;
    use super::*;

    fn drawn(block: syn::Block) -> Option<String> {
        let krate = syn::parse_quote!(::factum);
        section("pay", &walk::nodes(&krate, [], &block))
    }

    #[test]
    fn a_body_is_drawn_by_the_names_in_it() {
        let text = drawn(syn::parse_quote!({
            let hold = bank::reserve(order.clone()).await?;
            if hold.is_empty() {
                sleep(days(1)).await;
                return;
            }
            for part in parts {
                join((a(part), race((signal::<Approval>(), later)))).await;
            }
            all(parts.iter().map(|part| ship(part))).concurrency(2).await;
            call.await
        }));
        let expected = r#"
# Plan
```mermaid
flowchart TD
    n0(["pay"])
    n1["reserve"]
    n2{"?"}
    n3["sleep"]
    n4(("loop"))
    n5["join(a, race(signal Approval, ..))"]
    n6["all(ship)"]
    n7[".."]
    n8(["end"])
    n0 --> n1
    n1 --> n2
    n2 --> n3
    n2 --> n4
    n4 --> n5
    n5 --> n4
    n4 --> n6
    n6 --> n7
    n7 --> n8
    n3 --> n8
```
"#;
        assert_eq!(text.as_deref(), Some(expected));
        assert_eq!(
            drawn(syn::parse_quote!({
                a(b);
            })),
            None
        );
    }
    #[test]
    fn the_drawing_stands_behind_the_words_of_a_saga_that_has_some() {
        let expanded = |item: &str| {
            let item = item.parse().unwrap_or_else(|error| panic!("{item}: {error}"));
            crate::saga_of(proc_macro2::TokenStream::new(), item).to_string()
        };
        let text = expanded("/// Pays.\nasync fn pay(n: u32) { charge(n).await }");
        let (words, drawing) = (text.find("Pays."), text.find("# Plan"));
        assert!(words.is_some() && words < drawing, "{text}");
        assert!(!expanded("async fn pay(n: u32) { charge(n).await }").contains("# Plan"));
    }
}
