//! The graph as a constant, and what is checked of it when it is compiled.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt;

use super::super::spans::{at, first};
use super::super::step::{site, time};
use super::Names;
use super::draw::Drawing;
use crate::model::{Machine, Policy, State, TimeoutOf};

/// The constant that is the name of a signal on disk.
pub(super) fn signal(at: usize) -> Ident {
    format_ident!("__FACTUM_SIGNAL_{}", at)
}

pub(super) fn graph(machine: &Machine, names: &Names<'_>, drawing: &Drawing) -> TokenStream {
    let (p, private) = (&names.p, &names.private);
    // What is no signal is told once, where it is named first.
    let signals = machine.signals.iter().enumerate().map(|(index, path)| {
        let name = signal(index);
        let value = at(first(path), quote!(as #private::Signal>::NAME));
        quote!(const #name: &#p::str = <#path #value;)
    });
    let states = machine.states.iter().enumerate().map(|(at, state)| meta(machine, names, at, state));
    let groups = machine.groups.iter().map(|group| {
        let name = group.ident.unraw().to_string();
        let parent = names.optional(group.parent.map(|at| number(at).to_token_stream()));
        quote!(#p::GroupMeta { name: #name, parent: #parent })
    });
    let all = (0..machine.signals.len()).map(signal);
    let Drawing { mermaid, dot, table } = drawing;
    let checks = machine.whole.then(|| checks(machine, names));
    quote! {
        #(#signals)*

        #[allow(unused_imports, reason = "the type tells whether it is used")]
        const __FACTUM_GRAPH: &#p::Graph = {
            use #p::HasNoHandler as _;
            &#p::Graph {
                states: &[#(#states),*],
                groups: &[#(#groups),*],
                signals: &[#(#all),*],
                drawing: #p::Drawing { mermaid: #mermaid, dot: #dot, table: #table },
            }
        };

        #checks
    }
}

fn number(index: usize) -> u16 {
    u16::try_from(index).unwrap_or(u16::MAX)
}

fn meta(machine: &Machine, names: &Names<'_>, at: usize, state: &State) -> TokenStream {
    let (p, krate) = (&names.p, &machine.krate);
    let State { ident, initial, terminal, commit, .. } = state;
    let name = ident.unraw().to_string();
    let site = site(krate, ident.span());
    let next = state.next.iter().map(|&to| number(to));
    let timeouts = state.timeouts.iter().map(|&timeout| {
        let timeout = &machine.timeouts[timeout];
        let (after, to) = (time(krate, timeout.after), number(timeout.to));
        let group = match timeout.of {
            TimeoutOf::State(_) => None,
            TimeoutOf::Group(group) => Some(number(group).to_token_stream()),
        };
        let group = names.optional(group);
        quote!(#p::TimeoutMeta { after: #after, to: #to, group: #group })
    });
    let group = names.optional(state.group.map(|group| number(group).to_token_stream()));
    let signals: Vec<u8> = state
        .policies
        .iter()
        .zip(&state.own_accepts)
        .map(|(policy, own)| match policy {
            Policy::Accept if *own => b'A',
            Policy::Accept => b'a',
            Policy::Reject => b'r',
            Policy::Defer => b'd',
            Policy::Ignore => b'i',
        })
        .collect();
    let signals = proc_macro2::Literal::byte_string(&signals);
    let (plan, exits) = if *terminal || !machine.whole {
        (quote!(&#p::Plan::Seq(&[])), quote!(&[]))
    } else {
        // A handler that is missing is told where the state is visited, and only there.
        let struct_ = names.state(at);
        let of = quote!(#p::HandlerOf::<#struct_>);
        (quote!(#of::__FACTUM_PLAN), quote!(#of::__FACTUM_EXITS))
    };
    quote! {
        #p::StateMeta {
            name: #name,
            site: #site,
            initial: #initial,
            terminal: #terminal,
            commit: #commit,
            next: &[#(#next),*],
            timeouts: &[#(#timeouts),*],
            group: #group,
            signals: #signals,
            plan: #plan,
            exits: #exits,
        }
    }
}

/// What the graph and the handlers' plans are together, told at each state.
fn checks(machine: &Machine, names: &Names<'_>) -> TokenStream {
    let (p, private) = (&names.p, &names.private);
    let states = machine.states.iter().enumerate().map(|(index, state)| {
        let index = number(index);
        let refuse = at(state.ident.span(), quote!(#private::refuse_state(&__FACTUM_GRAPH_PROBLEMS, #index)));
        quote!(const _: () = #refuse;)
    });
    quote! {
        const __FACTUM_GRAPH_PROBLEMS: #p::GraphProblems = #p::graph_problems(__FACTUM_GRAPH);
        #(#states)*
    }
}
