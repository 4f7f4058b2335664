//! The macros as a whole, on input that nobody would write.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

mod fsm;

use super::{checkpoint_store_of, fsm_of, saga_of, signal_of, state_of, step_of};

const ATTRIBUTES: [&str; 5] = [
    "",
    r#"retry(attempts = 5, initial = "100ms", factor = 2.0, max = "10s", jitter = 0.2, when = E::a), timeout = "1m 30s",
       compensate = refund(&output, &order.id, format!("{note:>8} {{}}")), unknown = void(order), unknown_when = E::b,
       cancel = "abort", rate(limit = 100, per = "1s")"#,
    r#"pure, idempotent, pivot, name = "a name", app = Shop<u8>, crate = crate::factum"#,
    r#"name = "pay", version = 2, app = Shop, concurrency = 10, key = format!("{order}/{}", n?), strict, crate = ::factum"#,
    r#"name = "purchase", version = 2, endless, error = E<u8>, app = Shop, module = states, crate = ::factum"#,
];

const ITEMS: [&str; 7] = [
    "pub(crate) async fn charge(io: &mut Io<Shop>, mut order: Order, note: &str, list: &[Cow<'_, str>]) -> Result<u8, E> {
        io.key(); Ok(1)
    }",
    "/// Doc.
    async fn pay(order: Option<&str>, n: u32, map: HashMap<u8, u8>) -> my::Result<u32> {
        use a::b::{c as d, e::*};
        fn inner() {}
        let Some(x) = d(f(1).await?).await else { return g::<T>().await };
        'l: for i in 0..h(x).await { if let A { b } = x && j(i).await { break 'l; } else { loop { continue } } }
        while k.await { match m.n().await { 1 if o().await => vec![p().await; 2], q => format!(\"{}\", r(q).await) } };
        std::env::var(\"X\"); async { s().await }; |t| t.await; u!(v.await); x || y().await;
        for (a, b) in &map { let set = HashSet::new(); set.iter().map(|c| c).sum(); set.drain() }
    }",
    "#[cfg(all())] async fn placed(purchase::Placed { mut cart, .. }: purchase::Placed) -> Result<Next<purchase::Placed>, E> {
        spawn(shop::Started { cart, ..d }).linked().await; spawn(shop::Begun(1, (2, 3))).await; spawn(shop::IDLE).await;
        match race((signal::<Pay>(), sleep(days(3)))).await { First(pay) => Ok(go(purchase::Paid { cart })), _ => return go(b) }
    }",
    "/// Doc.
    #[group(Open, next(Gone), accepts(a::Stop), timeout(\"30 days\" => Gone {}), defer(Pay))] #[group(Early, parent(Open), reject)] #[ignore]
    #[derive(Debug, serde::Serialize, self::Deserialize)] #[serde(rename_all_fields = \"camelCase\")]
    pub(super) enum Purchase {
        #[initial] #[next(Paid, Gone)] #[parent(Early)] #[timeout(\"3 days\" => Paid(f(state.cart)?, 1))]
        Placed { #[serde(default = \"self::f\")] cart: &'static Cart, r#type: Vec<&str> },
        #[commit] #[accepts(Pay)] #[reject(a::Stop)] #[next(Gone)] #[serde(rename_all = \"lowercase\")] Paid(pub u8, #[cfg(x)] [u8; 2]) = 4,
        #[terminal] Gone,
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
    for expand in [step_of, saga_of, state_of, fsm_of, signal_of, checkpoint_store_of] {
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

/// What the user typed so far: every beginning of the tokens, with the groups it is in closed.
fn beginnings(tokens: &TokenStream) -> Vec<TokenStream> {
    let trees: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let mut found = vec![TokenStream::new()];
    for at in 0..trees.len() {
        let before = || trees[..at].iter().cloned();
        if let TokenTree::Group(group) = &trees[at] {
            for inner in beginnings(&group.stream()) {
                found.push(before().chain([Group::new(group.delimiter(), inner).into()]).collect());
            }
        } else {
            found.push(before().chain([trees[at].clone()]).collect());
        }
    }
    found
}

const TYPED: &str = r#"{
    let hold = reserve(order.clone(), &[1, 2]).await?;
    let Some(first) = order.lines.first() else { return Err(Error::Empty { at: hold.at }) };
    let (label, invoice) = join((print_label(hold, first), write_invoice(payment.clone()).await)).await;
    for line in order.lines.iter().filter(|line| line.count > 0) {
        match race((signal::<Approval>(), sleep(days(2)))).await {
            First(approval) if approval.by != "nobody" => { let _ = book(line, approval).await?; }
            _ => continue,
        }
    }
    if let Ok(label) = label && !label.is_empty() { println!("{label:?} {}", invoice?); } else { again(checkout(order)).await }
    ship(label?, invoice?).await
}"#;

#[test]
fn while_a_body_is_typed_its_function_is_there_for_its_callers() {
    let bodies = parse(TYPED).into_iter().next();
    let Some(TokenTree::Group(body)) = bodies else { panic!("no body") };
    let beginnings = beginnings(&body.stream());
    assert!(beginnings.len() > 150, "{}", beginnings.len());
    for body in beginnings {
        for (expand, head, function) in [
            (
                step_of as fn(TokenStream, TokenStream) -> TokenStream,
                "pub async fn charge(io: &mut Io, order: Order, note: &str) -> Result<Receipt, Error>",
                "pub fn charge < '__factum > (order : Order , note : & '__factum str) -> :: factum :: __private :: StepCall",
            ),
            (
                saga_of,
                "pub async fn checkout(order: Order) -> Result<Receipt, Error>",
                "pub fn checkout (order : Order) -> :: factum :: __private :: SagaCall",
            ),
            (
                state_of,
                "async fn placed(order: purchase::Placed) -> Result<Next<purchase::Placed>, Error>",
                "impl :: factum :: __private :: Handler for purchase :: Placed",
            ),
        ] {
            let item = parse(head).into_iter().chain([Group::new(Delimiter::Brace, body.clone()).into()]).collect();
            let expanded = expand(TokenStream::new(), item);
            let (text, body) = (expanded.to_string(), body.to_string());
            assert!(text.contains(function), "{body}:\n{text}");
            // Of a handler nothing is left that could be called.
            assert!(!text.contains("fn placed"), "{body}:\n{text}");
            // What is wrong with a beginning, the compiler tells, which reads it itself.
            assert!(!text.contains("compile_error"), "{body}:\n{text}");
            assert!(
                text.contains(&body) || syn::parse_str::<syn::Block>(&format!("{{{body}}}")).is_ok(),
                "{body}:\n{text}"
            );
            assert!(syn::parse2::<syn::File>(expanded).is_ok() || text.contains(&body), "{body}:\n{text}");
        }
    }
}

#[test]
fn a_handler_with_a_wrong_signature_is_still_that_of_its_state() {
    for (item, state) in [
        ("fn placed(state: purchase::Placed) -> Next<purchase::Placed> {}", Some("purchase :: Placed")),
        ("async fn placed(state: purchase::Placed) {}", Some("purchase :: Placed")),
        ("async fn placed(state: &purchase::Placed) {}", Some("purchase :: Placed")),
        ("async fn placed(a: u8, b: u8) -> my::Result<Next<purchase::Placed>> {}", Some("purchase :: Placed")),
        ("async fn placed(&self) -> Next<purchase::Placed> {}", None),
        ("async fn placed() {}", None),
        ("async fn placed<S>(state: S) -> Next<S> {}", None),
    ] {
        let text = state_of(TokenStream::new(), parse(item)).to_string();
        assert!(text.contains("compile_error"), "{text}");
        let handled = state.is_some_and(|state| text.contains(&format!("Handler for {state} {{")));
        assert_eq!((handled, text.contains("Handler for")), (state.is_some(), state.is_some()), "{text}");
    }
}

#[test]
fn a_state_that_is_spawned_is_told_by_its_type() {
    let plan = |arg: &str| {
        let item = format!("async fn f(local: u8) {{ let bound = 1; spawn({arg}).linked().await }}");
        let text = saga_of(TokenStream::new(), parse(&item)).to_string();
        let (_, plan) = text.split_once("__FACTUM_PLAN").unwrap_or_default();
        let (plan, _) = plan.split_once("__FACTUM_EXITS").unwrap_or_default();
        plan.replace(' ', "")
    };
    for (arg, probe) in [
        ("purchase::Placed { cart, n: 1 }", "spawn(purchase::Placed{..::factum::__private::any()})"),
        ("(crate::a::Placed { ..local })", "spawn(crate::a::Placed{..::factum::__private::any()})"),
        ("Placed(1, f(2))", "spawn(Placed(::factum::__private::any(),::factum::__private::any()))"),
        ("purchase::Placed", "spawn(purchase::Placed)"),
        ("purchase::Placed::new(1)", "spawn(purchase::Placed::new(::factum::__private::any()))"),
        ("sell(1)", "spawn(sell(::factum::__private::any()))"),
    ] {
        assert!(plan(arg).contains(probe), "{}", plan(arg));
    }
    for arg in ["local", "bound", "Purchase::Placed { cart }", "Purchase::Placed", "Purchase::Placed(1)", "a.b", "5"] {
        assert!(plan(arg).contains("Plan::Dynamic"), "{}", plan(arg));
    }
}

#[test]
fn a_body_that_only_the_compiler_can_read_is_never_run() {
    let saga = saga_of(TokenStream::new(), parse("async fn pay() -> u8 { step(1).await + }")).to_string();
    assert!(saga.contains("unread_body"), "{saga}");
    let saga = saga_of(TokenStream::new(), parse("async fn pay() -> u8 { step(1).await }")).to_string();
    assert!(!saga.contains("unread_body"), "{saga}");
    // Part of it is read, and an await in the rest would not be seen.
    let saga = saga_of(TokenStream::new(), parse("async fn pay() -> u8 { become step(1).await }")).to_string();
    assert_eq!(saga.matches("compile_error").count(), 1, "{saga}");
}
