//! A program that runs, with all processes of its group.
//!
//! What must always hold: the group is killed when this is dropped, unless the program has ended and was waited for; no
//! signal goes to a group whose number may belong to others by now.

use std::io;
use std::process::ExitStatus;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};

/// A program in a group of its own.
pub(super) struct Group {
    /// The group's number, which is the program's, while that has not been waited for: until then the kernel keeps it.
    number: Option<Pid>,
    pub(super) program: Child,
}

impl Group {
    /// Starts a program in a group of its own.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn start(command: &mut Command) -> io::Result<Group> {
        let program = command.process_group(0).kill_on_drop(true).spawn()?;
        let number = program.id().and_then(|number| i32::try_from(number).ok()).and_then(Pid::from_raw);
        Ok(Group { number, program })
    }

    /// How the program ended.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub(super) async fn ended(&mut self) -> io::Result<ExitStatus> {
        let status = self.program.wait().await?;
        self.number = None;
        Ok(status)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            // What cannot be killed is gone, or is another user's by now: nothing can be done about either.
            let _ = kill_process_group(number, Signal::KILL);
        }
    }
}
