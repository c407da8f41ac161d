//! The store against the plainest model of it: random puts, restarts, crashes, damage, and time.

mod damage;
mod disk_trouble;
mod model;
mod retention;
mod threads;
