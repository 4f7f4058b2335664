mod policy;
pub use policy::RetryPolicy;
