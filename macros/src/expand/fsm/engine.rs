//! The machine as the engine runs it.

use proc_macro2::TokenStream;
use quote::quote;

use super::super::spans::at;
use super::super::step::site;
use super::Names;
use super::convert::fields;
use crate::model::Machine;

pub(super) fn engine(machine: &Machine, names: &Names<'_>) -> TokenStream {
    let (p, enum_) = (&names.p, &machine.item.ident);
    let (name, version) = (&machine.name, machine.version);
    let site = site(&machine.krate, enum_.span());
    let error = machine.error.as_ref().map_or_else(|| quote!(#p::Never), |error| quote!(#error));
    let app = machine.app.as_ref().map_or_else(|| quote!(#p::NoApp), |app| quote!(#app));
    let index = machine.states.iter().enumerate().map(|(at, state)| {
        let ident = &state.ident;
        quote!(#enum_::#ident { .. } => #at,)
    });
    let visit = visit(machine, names);
    quote! {
        static __FACTUM_META: #p::WorkflowMeta = #p::WorkflowMeta {
            name: #name,
            version: #version,
            site: #site,
            identity: #p::TypeId::of::<#enum_>,
            plan: &#p::Plan::Machine(__FACTUM_GRAPH),
            fingerprint: #p::fingerprint(#name, #version, &#p::Plan::Machine(__FACTUM_GRAPH)),
            concurrency: #p::None,
            strict: false,
            exits: &[],
        };

        impl #p::WorkflowSig for #enum_ {
            type Output = #enum_;
            type Error = #error;

            const NAME: &'static #p::str = #name;
            const VERSION: #p::u32 = #version;
            const PLAN: &'static #p::Plan = &#p::Plan::Machine(__FACTUM_GRAPH);

            fn meta() -> &'static #p::WorkflowMeta {
                &__FACTUM_META
            }
        }

        impl #p::Fsm for #enum_ {
            type App = #app;

            const GRAPH: &'static #p::Graph = __FACTUM_GRAPH;

            fn index(&self) -> #p::usize {
                match *self { #(#index)* }
            }
        }

        #visit

        impl #enum_ {
            /// A drawing of the states, and what leads from one to another.
            pub fn diagram() -> #p::Diagram {
                #p::Diagram::of(<#enum_ as #p::WorkflowSig>::meta())
            }
        }
    }
}

fn visit(machine: &Machine, names: &Names<'_>) -> TokenStream {
    let (p, enum_) = (&names.p, &machine.item.ident);
    // Of a machine with an error no more is told: its handlers may be still to be written.
    let (generics, app, visit) = match &machine.app {
        Some(app) => (TokenStream::new(), quote!(#app), TokenStream::new()),
        None => {
            let visit = quote!(let __factum_visit = #p::Visit::without_app(__factum_visit););
            (quote!(<__FactumApp: #p::Send + #p::Sync + 'static>), quote!(__FactumApp), visit)
        }
    };
    let turn = if machine.whole { turn(machine, names) } else { quote!(#p::broken()) };
    quote! {
        impl #generics #p::FsmOn<#app> for #enum_ {
            fn visit(
                self,
                __factum_visit: #p::Visit<#app>,
            ) -> #p::BoxFuture<'static, #p::Result<#p::Turn<Self>, <Self as #p::WorkflowSig>::Error>> {
                #visit
                #turn
            }
        }
    }
}

/// One visit of the state that the machine is in.
fn turn(machine: &Machine, names: &Names<'_>) -> TokenStream {
    let (p, private, enum_) = (&names.p, &names.private, &machine.item.ident);
    let mut arms = Vec::new();
    let mut ended = Vec::new();
    for (index, (state, variant)) in names.states().enumerate() {
        let ident = &variant.ident;
        if state.terminal {
            ended.push(quote!(#enum_::#ident { .. }));
        } else {
            let (struct_, fields) = (names.state(index), fields(variant));
            // A state without a handler is told of at the variant.
            let visit = at(ident.span(), quote!(#private::visit::<#struct_>(__factum_visit, #struct_ #fields)));
            arms.push(quote!(#enum_::#ident #fields => #visit,));
        }
    }
    let ended = (!ended.is_empty()).then(|| quote!(__factum_ended @ (#(#ended)|*) => #p::ended(__factum_ended),));
    quote! {
        match self {
            #(#arms)*
            #ended
        }
    }
}
