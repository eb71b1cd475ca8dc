//! Connections of HTTP/2 on a fake clock: two of ours joined, or one of ours and frames written by
//! hand.

mod config;
mod connection;
mod credit;
mod ends;
mod floods;
mod forgotten;
mod frames;
mod interim;
mod kit;
mod limits;
mod no_content;
mod one_flight;
mod one_tunnel;
mod requests;
mod streams;
mod streams_model;
mod times;
mod work;
