//! The plan of a body: the tree of its awaits, as a constant, and what is checked of it.
//!
//! What must always hold: what the plan says of a place and what the checks
//! say of it have the same indexes, those of the children on the way from the root.

mod doc;
mod leaf;
mod leave;
mod made;
mod outcome;
mod walk;

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::Path;

use super::spans::at;
use crate::model::Code;
use leaf::{Leaf, Mark};
use leave::Leave;

/// What a body tells of itself.
#[derive(Debug)]
pub(super) struct Planned {
    /// The plan, as a constant expression.
    pub(super) plan: TokenStream,
    /// The arms that never come to their end, as a constant expression.
    pub(super) exits: TokenStream,
    /// Assertions over `__FACTUM_PROBLEMS`, each at the user's token.
    pub(super) checks: TokenStream,
    /// A section for the documentation.
    pub(super) doc: Option<String>,
}

/// A node of the plan.
#[derive(Debug)]
enum Node {
    Leaf(Leaf),
    Branch(Vec<Part>),
    Loop(Part),
}

/// Nodes one after the other.
#[derive(Debug, Default)]
struct Part {
    nodes: Vec<Node>,
    /// Where its end goes, if not to what follows.
    leaves: Option<Leave>,
}

/// The plan of what is called `name`; a body that was refused tells nothing.
pub(super) fn plan(krate: &Path, name: &Ident, bound: impl IntoIterator<Item = String>, code: &Code) -> Planned {
    let Some(block) = &code.block else {
        return unknown(krate);
    };
    let nodes = walk::nodes(krate, bound, block);
    let doc = doc::section(&name.to_string(), &nodes);
    let mut writer = Writer { krate, at: Vec::new(), exits: Vec::new(), checks: TokenStream::new() };
    let nodes = writer.list(nodes.iter(), |writer, node| writer.node(node));
    let exits = &writer.exits;
    Planned {
        plan: quote!(#krate::__private::Plan::Seq(&const { [#(#nodes),*] })),
        exits: quote!([#(#exits),*]),
        checks: writer.checks,
        doc,
    }
}

fn unknown(krate: &Path) -> Planned {
    Planned { plan: quote!(#krate::__private::Plan::Dynamic), exits: quote!([]), checks: TokenStream::new(), doc: None }
}

/// Writes nodes as tokens.
struct Writer<'k> {
    krate: &'k Path,
    /// The place of the node that is being written.
    at: Vec<u16>,
    exits: Vec<TokenStream>,
    checks: TokenStream,
}

impl Writer<'_> {
    fn list<T>(
        &mut self,
        items: impl Iterator<Item = T>,
        write: impl Fn(&mut Self, T) -> TokenStream,
    ) -> Vec<TokenStream> {
        let numbered = (0..=u16::MAX).zip(items);
        numbered.map(|(index, item)| self.child(index, |writer| write(writer, item))).collect()
    }

    fn child(&mut self, index: u16, write: impl FnOnce(&mut Self) -> TokenStream) -> TokenStream {
        self.at.push(index);
        let tokens = write(self);
        self.at.pop();
        tokens
    }

    fn node(&mut self, node: &Node) -> TokenStream {
        let krate = self.krate;
        match node {
            Node::Leaf(leaf) => {
                leaf.marks.iter().for_each(|mark| self.check(mark));
                leaf.plan.clone()
            }
            Node::Branch(arms) => {
                let arms = self.list(arms.iter(), |writer, arm| writer.part(arm));
                quote!(#krate::__private::Plan::Branch(&const { [#(#arms),*] }))
            }
            Node::Loop(body) => {
                let body = self.child(0, |writer| writer.part(body));
                quote!(#krate::__private::Plan::Loop(&const { #body }))
            }
        }
    }

    /// A single node stands for itself.
    fn part(&mut self, part: &Part) -> TokenStream {
        let krate = self.krate;
        if let Some(leave) = part.leaves {
            let (at, to) = (&self.at, leave.tokens(krate));
            self.exits.push(quote!(#krate::__private::Exit { at: &[#(#at),*], to: #to }));
        }
        if let [node] = part.nodes.as_slice() {
            return self.node(node);
        }
        let nodes = self.list(part.nodes.iter(), |writer, node| writer.node(node));
        quote!(#krate::__private::Plan::Seq(&const { [#(#nodes),*] }))
    }

    fn check(&mut self, mark: &Mark) {
        let (krate, marked) = (self.krate, mark.marked);
        let place = self.at.iter().chain(&mark.at);
        let refuse = at(mark.span, quote!(#krate::__private::refuse(&__FACTUM_PROBLEMS, &[#(#place),*], #marked)));
        self.checks.extend(quote!(const _: () = #refuse;));
    }
}
