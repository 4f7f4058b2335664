//! The macros as a whole, on input that nobody would write.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use super::{checkpoint_store_of, saga_of, signal_of, step_of};

const ATTRIBUTES: [&str; 4] = [
    "",
    r#"retry(attempts = 5, initial = "100ms", factor = 2.0, max = "10s", jitter = 0.2, when = E::a), timeout = "1m 30s",
       compensate = refund(&output, &order.id, format!("{note:>8} {{}}")), unknown = void(order), unknown_when = E::b"#,
    r#"pure, idempotent, pivot, name = "a name", app = Shop<u8>, crate = crate::factum"#,
    r#"name = "pay", version = 2, app = Shop, crate = ::factum"#,
];

const ITEMS: [&str; 5] = [
    "pub(crate) async fn charge(io: &mut Io<Shop>, mut order: Order, note: &str, list: &[Cow<'_, str>]) -> Result<u8, E> {
        io.key(); Ok(1)
    }",
    "/// Doc.
    async fn pay(order: Option<&str>, n: u32) -> my::Result<u32> {
        use a::b::{c as d, e::*};
        fn inner() {}
        let Some(x) = d(f(1).await?).await else { return g::<T>().await };
        'l: for i in 0..h(x).await { if let A { b } = x && j(i).await { break 'l; } else { loop { continue } } }
        while k.await { match m.n().await { 1 if o().await => vec![p().await; 2], q => format!(\"{}\", r(q).await) } };
        std::env::var(\"X\"); async { s().await }; |t| t.await; u!(v.await); x || y().await
    }",
    "#[derive(Serialize)] pub struct Approval<T> where T: Copy { by: T }",
    "impl<T: X> a::CheckpointStore for My<'_, T> {
        const N: u8 = 1;
        async fn append(&self, mut run: u64, _: u64, row: &'_ [u8]) -> Result<(), CheckpointError> { self.0.a().await?; Ok(()) }
        fn laod_run(self: Box<Self>) {}
        pub(crate) async fn clear<'a>(&'a mut self, (a, b): (u8, &str)) where T: Y { return }
    }",
    "unsafe extern fn f<'a, T: 'a, const N: usize>(&self, (a, b): (u8, impl X), _: &'a mut T, ...) -> impl Y + 'a where T: Z {}",
];

/// Every way of leaving out one token, or writing one twice, at any depth.
fn mutations(tokens: &TokenStream) -> Vec<TokenStream> {
    let trees: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let mut found = vec![tokens.clone()];
    for at in 0..trees.len() {
        let with = |replacement: Vec<TokenTree>| -> TokenStream {
            trees[..at].iter().cloned().chain(replacement).chain(trees[at + 1..].iter().cloned()).collect()
        };
        found.push(with(Vec::new()));
        found.push(with(vec![trees[at].clone(), trees[at].clone()]));
        if let TokenTree::Group(group) = &trees[at] {
            for inner in mutations(&group.stream()) {
                found.push(with(vec![Group::new(group.delimiter(), inner).into()]));
            }
            found.push(with(vec![Group::new(Delimiter::Brace, group.stream()).into()]));
            found.push(with(group.stream().into_iter().collect()));
        }
    }
    found
}

fn parse(text: &str) -> TokenStream {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn expand_all(attr: &TokenStream, item: &TokenStream) {
    for expand in [step_of, saga_of, signal_of, checkpoint_store_of] {
        assert!(!expand(attr.clone(), item.clone()).is_empty() || item.is_empty());
    }
}

#[test]
fn no_item_makes_a_macro_panic() {
    let attributes = ATTRIBUTES.map(parse);
    for item in ITEMS.map(parse).iter().flat_map(mutations) {
        attributes.iter().for_each(|attr| expand_all(attr, &item));
    }
}

#[test]
fn no_attribute_makes_a_macro_panic() {
    let items = ITEMS.map(parse);
    for attr in ATTRIBUTES.map(parse).iter().flat_map(mutations) {
        items.iter().for_each(|item| expand_all(&attr, item));
    }
}

#[test]
fn every_error_of_an_item_is_reported() {
    let tokens = step_of(
        parse("retry(attempts = 0), timeout = \"x\", compensate = f(&output), nmae = \"a\""),
        parse("async fn charge<T>(&self, (a, b): (T, u8)) -> Result<u8, E> {}"),
    );
    let errors = tokens.to_string().matches("compile_error").count();
    assert_eq!(errors, 7, "{tokens}");
}
