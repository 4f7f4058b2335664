//! A handler: the state's implementation of one trait, with the body inside, and nothing that can be called.
//!
//! What must always hold: of an argument that is no state it is told once, at its type. So whatever
//! depends on the state names it by a projection, which is no type at all where it cannot be; and
//! what the compiler says of each of those is the same, and stands at the same place.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::visit_mut::{self, VisitMut};
use syn::{Path, Type};

use super::marker::cfgs;
use super::scope::bound_names;
use super::spans::{at, braces, first, last, parens};
use super::{body, plan};
use crate::check::{BrokenHandler, Checked};
use crate::model::Handler;

pub(crate) fn state(handler: &Checked<Handler>) -> TokenStream {
    let handler = handler.get();
    let Handler { krate, attrs, ident, pat, state, ret, body } = handler;
    let p = quote!(#krate::__private);
    let cfgs = cfgs(attrs);
    let this = This { krate, state };
    let ty = this.ty();
    let plan::Planned { plan, exits, checks, .. } = plan::plan(krate, ident, bound_names(pat), body);
    let problems = this.around(quote!(#p::state_problems::<), &ty, quote!(>));
    let in_state = this.around(quote!(#p::InState<), &ty, quote!(>));
    let here = this.around(quote!(#p::InState::<), &ty, quote!(>::HERE));
    let terminal = this.projected(&ty, quote!(#p::State), quote!(TERMINAL));
    let terminal = parens(last(state), terminal);
    let goes_on = this.around(quote!(#p::assert_not_terminal), terminal, TokenStream::new());
    let function = body::function(&body::Function {
        krate,
        place: last(state),
        attrs,
        args: &[],
        params: vec![quote!(#pat: #state)],
        app: this.app(),
        ret: &this.instead_of_itself(ret),
        is_handler: true,
        code: body,
    });
    let plans = quote! {
        const PLAN: &'static #p::Plan = &__FACTUM_PLAN;
        const EXITS: &'static [#p::Exit] = __FACTUM_EXITS;
    };
    let implementation = this.implementation(&plans, &handle(handler, &this));
    quote! {
        #(#cfgs)*
        const _: () = {
            #[allow(deprecated, clippy::all, reason = "what is deprecated is told in the body")]
            const __FACTUM_PLAN: #p::Plan = #plan;
            const __FACTUM_EXITS: &[#p::Exit] = &#exits;
            #[allow(deprecated, reason = "of the state it is told where the user names it")]
            const __FACTUM_PROBLEMS: #p::Problems = #problems(&__FACTUM_PLAN, __FACTUM_EXITS);
            #checks
            #[allow(deprecated, reason = "of the state it is told where the user names it")]
            const _: () = #goes_on;
            #[allow(deprecated, dead_code, reason = "of the state it is told where the user names it; not every body awaits")]
            const __FACTUM_STATE: #in_state = #here;

            #function

            #implementation
        };
    }
}

/// The call of the body, and what it returns as one type.
fn handle(handler: &Handler, this: &This<'_>) -> TokenStream {
    let Handler { krate, ident, state, ret, .. } = handler;
    let p = quote!(#krate::__private);
    let span = ident.span();
    let ([body, cx, arg], dot_await) = (this.names(), at(last(state), quote!(.await)));
    let args = parens(last(state), quote!(#cx, #arg));
    let called = parens(last(state), quote!(#body #args #dot_await));
    // The type is what the user wrote: what is wrong with it is told of all of it.
    let (open, close) = (at(first(ret), quote!(<)), at(last(ret), quote!(>>::into_result)));
    let (returns, ret, ty) = (at(last(ret), quote!(as #p::HandlerReturn<)), this.instead_of_itself(ret), this.ty());
    let result = braces(span, quote!(#open #ret #returns #ty #close #called));
    let future = at(span, quote!(async move));
    let future = parens(span, quote!(#future #result));
    let boxed = at(span, quote!(#p::Box::pin));
    quote!(#boxed #future)
}

/// The state has a handler, however wrong it is: nothing says that it has none.
pub(crate) fn broken_state(broken: &BrokenHandler) -> TokenStream {
    let BrokenHandler { krate, attrs, state } = broken;
    let Some(state) = state else {
        return TokenStream::new();
    };
    let p = quote!(#krate::__private);
    let cfgs = cfgs(attrs);
    let plans = quote! {
        const PLAN: &'static #p::Plan = &#p::Plan::Dynamic;
        const EXITS: &'static [#p::Exit] = &[];
    };
    let implementation = This { krate, state }.implementation(&plans, &quote!(#p::broken()));
    quote! {
        #(#cfgs)*
        const _: () = {
            #implementation
        };
    }
}

/// The state, and what depends on it: all of it stands where the user wrote the state's type.
struct This<'h> {
    krate: &'h Path,
    state: &'h Type,
}

impl This<'_> {
    /// The function inside, and what it is called with: all of it where the state is, and so of one hygiene.
    fn names(&self) -> [Ident; 3] {
        ["__factum_body", "__factum_cx", "__factum_state"].map(|name| Ident::new(name, last(self.state)))
    }

    fn around(&self, before: TokenStream, inner: impl ToTokens, after: TokenStream) -> TokenStream {
        let span = last(self.state);
        let (before, after) = (at(span, before), at(span, after));
        quote!(#before #inner #after)
    }

    fn projected(&self, ty: impl ToTokens, of: TokenStream, name: TokenStream) -> TokenStream {
        self.around(quote!(<), ty, quote!(as #of>::#name))
    }

    fn machine(&self) -> TokenStream {
        let krate = self.krate;
        self.projected(self.state, quote!(#krate::__private::State), quote!(Machine))
    }

    /// The state itself, and no type at all if it is no state.
    fn ty(&self) -> TokenStream {
        let krate = self.krate;
        self.projected(self.state, quote!(#krate::__private::State), quote!(Itself))
    }

    fn app(&self) -> TokenStream {
        let krate = self.krate;
        self.projected(self.machine(), quote!(#krate::__private::Fsm), quote!(App))
    }

    /// A type with the state, wherever it stands in it, by its projection.
    fn instead_of_itself(&self, ty: &Type) -> Type {
        struct Replace<'h> {
            state: &'h Type,
            ty: TokenStream,
        }
        impl VisitMut for Replace<'_> {
            fn visit_type_mut(&mut self, ty: &mut Type) {
                if ty == self.state {
                    *ty = Type::Verbatim(self.ty.clone());
                } else {
                    visit_mut::visit_type_mut(self, ty);
                }
            }
        }
        let mut ty = ty.clone();
        Replace { state: self.state, ty: self.ty() }.visit_type_mut(&mut ty);
        ty
    }

    /// That the state has a handler, which is told where its type stands.
    fn implementation(&self, plans: &TokenStream, handle: &TokenStream) -> TokenStream {
        let (krate, state) = (self.krate, self.state);
        let p = quote!(#krate::__private);
        let (machine, ty, app) = (self.machine(), self.ty(), self.app());
        let error = self.projected(&machine, quote!(#p::WorkflowSig), quote!(Error));
        let head = self.around(quote!(impl #p::Handler for), state, TokenStream::new());
        let span = last(state);
        let function = at(span, quote!(fn handle<'__factum>));
        let [_, cx, state] = self.names();
        let (before, after) = (at(span, quote!(: &'__factum #p::Cx<)), at(span, quote!(>,)));
        let args = parens(span, quote!(#cx #before #app #after #state: #ty));
        let result = self.around(quote!(#p::Result<), quote!(#machine, #error), quote!(>));
        let (gives, end) = (at(span, quote!(-> #p::BoxFuture)), at(span, quote!(>)));
        let body = braces(span, quote!(#handle));
        let items = quote! {
            type Of = #machine;

            #plans

            #function #args #gives <'__factum, #result #end #body
        };
        let items = braces(span, items);
        quote! {
            #[allow(deprecated, clippy::all, reason = "the user did not write it")]
            #head #items
        }
    }
}
