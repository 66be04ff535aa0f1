//! The system calls that a confined program is refused, as filters for seccomp.

use std::collections::BTreeMap;
use std::env::consts::ARCH;

use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter, sock_filter,
};

use super::calls::{
    FILE_OWNERS, FILE_OWNERS_HERE, LAST_JUDGED, NAMESPACES, ONLY_ONESELF, REFUSED, REFUSED_HERE,
    REFUSED_TO_PROGRAMS, REFUSED_TO_PROGRAMS_HERE, SIGNALS, UNKNOWN,
};

/// What a filter is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A program that a model wrote.
    Program {
        /// What Landlock does by itself.
        landlock: i32,
        /// The leader of the program's own process group.
        group: i32,
    },
    /// A browser, which speaks to its proxy and to its own processes.
    Browser(BrowserUser),
}

/// Whom a browser runs as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BrowserUser {
    /// Whose word about files of others counts.
    Root,
    /// Anybody else.
    Other,
}

/// From this version on Landlock sees `truncate`.
const LANDLOCK_TRUNCATES: i32 = 3;

/// From this version on Landlock scopes signals and abstract sockets.
const LANDLOCK_SCOPES: i32 = 6;

/// Puts the filters on this process and all that it starts. There is no way back.
pub(super) fn restrict(purpose: Purpose) -> Result<(), String> {
    let explain = |error: &dyn std::fmt::Display| format!("seccomp does not work here: {error}");
    for program in programs(purpose).map_err(|error| explain(&error))? {
        apply_filter(&program).map_err(|error| explain(&error))?;
    }
    Ok(())
}

/// The filters. Each has one way of refusing; the kernel asks all of them.
pub(super) fn programs(purpose: Purpose) -> Result<Vec<BpfProgram>, String> {
    let arch = TargetArch::try_from(ARCH).map_err(|error| error.to_string())?;
    let compile = |rules: Rules, errno: i32| -> Result<BpfProgram, String> {
        let answer = SeccompAction::Errno(errno.unsigned_abs());
        SeccompFilter::new(rules, SeccompAction::Allow, answer, arch)
            .and_then(BpfProgram::try_from)
            .map_err(|error| error.to_string())
    };
    let mut unknown = Rules::new();
    always(&mut unknown, UNKNOWN);
    Ok(vec![
        compile(unknown, libc::ENOSYS)?,
        compile(refusals(purpose)?, libc::EPERM)?,
        later_calls(),
    ])
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

fn refusals(purpose: Purpose) -> Result<Rules, String> {
    let mut rules = Rules::new();
    always(&mut rules, REFUSED);
    always(&mut rules, REFUSED_HERE);
    for number in ONLY_ONESELF {
        on(&mut rules, *number, &[&[argument(0, SeccompCmpOp::Ne, 0)]])?;
    }
    // The kernel reads 32 bits of the number of an ioctl. These type into the terminal of others, and say
    // who is sent a signal when a descriptor becomes ready.
    let request = |number| [argument(1, SeccompCmpOp::Eq, number)];
    on(
        &mut rules,
        libc::SYS_ioctl,
        &[
            &request(libc::TIOCSTI),
            &request(libc::TIOCLINUX),
            &request(FIOSETOWN),
            &request(SIOCSPGRP),
        ],
    )?;
    // A whole group is one's own if it is 0; all of a user's processes are not.
    let others = [argument(1, SeccompCmpOp::Ne, 0)];
    let user = |which: u64| [argument(0, SeccompCmpOp::Eq, which)];
    on(
        &mut rules,
        libc::SYS_setpriority,
        &[&others, &user(PRIORITY_OF_USER)],
    )?;
    on(
        &mut rules,
        libc::SYS_ioprio_set,
        &[&others, &user(IO_PRIORITY_OF_USER)],
    )?;
    match purpose {
        Purpose::Program { landlock, group } => programs_alone(&mut rules, landlock, group)?,
        Purpose::Browser(user) => browsers_alone(&mut rules, user)?,
    }
    Ok(rules)
}

const FIOSETOWN: u64 = 0x8901;
const SIOCSPGRP: u64 = 0x8902;
const PRIORITY_OF_USER: u64 = 2;
const IO_PRIORITY_OF_USER: u64 = 3;

fn programs_alone(rules: &mut Rules, landlock: i32, group: i32) -> Result<(), String> {
    always(rules, REFUSED_TO_PROGRAMS);
    always(rules, REFUSED_TO_PROGRAMS_HERE);
    always(rules, FILE_OWNERS);
    always(rules, FILE_OWNERS_HERE);
    let namespaces: Vec<_> = NAMESPACES
        .into_iter()
        .map(|flag| u64::from(flag.unsigned_abs()))
        .map(|flag| [argument(0, SeccompCmpOp::MaskedEq(flag), flag)])
        .collect();
    let namespaces: Vec<&[_]> = namespaces.iter().map(|rule| &rule[..]).collect();
    on(rules, libc::SYS_clone, &namespaces)?;
    // Who hides would not have its descriptors counted.
    let hides = u64::from(libc::PR_SET_DUMPABLE.unsigned_abs());
    on(
        rules,
        libc::SYS_prctl,
        &[&[argument(0, SeccompCmpOp::Eq, hides)]],
    )?;
    // A pair of datagram sockets can be turned on any other socket of that kind: only streams stay with each other.
    let kind = |kind: i32| {
        argument(
            1,
            SeccompCmpOp::MaskedEq(0xf),
            u64::from(kind.unsigned_abs()),
        )
    };
    on(
        rules,
        libc::SYS_socketpair,
        &[
            &[kind(libc::SOCK_DGRAM)],
            &[kind(libc::SOCK_RAW)],
            &[argument(
                0,
                SeccompCmpOp::Ne,
                u64::from(libc::AF_UNIX.unsigned_abs()),
            )],
        ],
    )?;
    if landlock < LANDLOCK_TRUNCATES {
        always(rules, &[libc::SYS_truncate]);
    }
    if landlock < LANDLOCK_SCOPES {
        signals_stay_inside(rules, group)?;
    }
    Ok(())
}

/// In the place of Landlock: signals reach the program's own group, and nobody else.
fn signals_stay_inside(rules: &mut Rules, group: i32) -> Result<(), String> {
    let outside = |ours: [i32; 3]| ours.map(|pid| argument(0, SeccompCmpOp::Ne, signed(pid)));
    on(rules, libc::SYS_kill, &[&outside([0, group, -group])])?;
    for number in SIGNALS {
        on(
            rules,
            *number,
            &[&[argument(0, SeccompCmpOp::Ne, signed(group))]],
        )?;
    }
    always(rules, &[libc::SYS_pidfd_send_signal]);
    // Who is sent a signal when a descriptor becomes ready.
    let owner = |command: i32| {
        [argument(
            1,
            SeccompCmpOp::Eq,
            u64::from(command.unsigned_abs()),
        )]
    };
    on(
        rules,
        libc::SYS_fcntl,
        &[&owner(libc::F_SETOWN), &owner(F_SETOWN_EX)],
    )?;
    Ok(())
}

const F_SETOWN_EX: i32 = 15;

/// Of the network only TCP is left, which Landlock holds to one port. It does not see datagrams, nor the
/// other protocols that make streams.
fn browsers_alone(rules: &mut Rules, user: BrowserUser) -> Result<(), String> {
    if user == BrowserUser::Root {
        always(rules, FILE_OWNERS);
        always(rules, FILE_OWNERS_HERE);
    }
    let is_not =
        |index: u8, value: i32| argument(index, SeccompCmpOp::Ne, u64::from(value.unsigned_abs()));
    let family = |value: i32| argument(0, SeccompCmpOp::Eq, u64::from(value.unsigned_abs()));
    let mut refused: Vec<Vec<Argument>> = vec![vec![
        is_not(0, libc::AF_UNIX),
        is_not(0, libc::AF_NETLINK),
        is_not(0, libc::AF_INET),
        is_not(0, libc::AF_INET6),
    ]];
    for internet in [libc::AF_INET, libc::AF_INET6] {
        // That a part of the bits is not that of a stream cannot be said; which others there are, can.
        for kind in [
            libc::SOCK_DGRAM,
            libc::SOCK_RAW,
            libc::SOCK_RDM,
            libc::SOCK_SEQPACKET,
            libc::SOCK_DCCP,
        ] {
            let kind = u64::from(kind.unsigned_abs());
            refused.push(vec![
                family(internet),
                argument(1, SeccompCmpOp::MaskedEq(0xf), kind),
            ]);
        }
        refused.push(vec![
            family(internet),
            is_not(2, 0),
            is_not(2, libc::IPPROTO_TCP),
        ]);
    }
    let refused: Vec<&[Argument]> = refused.iter().map(Vec::as_slice).collect();
    on(rules, libc::SYS_socket, &refused)
}

/// A process id as the low 32 bits of an argument, the only ones that the kernel reads.
fn signed(pid: i32) -> u64 {
    u64::from(pid.cast_unsigned())
}

struct Argument {
    index: u8,
    operator: SeccompCmpOp,
    value: u64,
}

/// A condition on an argument of 32 bits: all of those that are looked at are such.
fn argument(index: u8, operator: SeccompCmpOp, value: u64) -> Argument {
    Argument {
        index,
        operator,
        value,
    }
}

fn always(rules: &mut Rules, numbers: &[i64]) {
    for number in numbers {
        rules.insert(*number, Vec::new());
    }
}

/// Refuses a call when all conditions of one of `alternatives` hold.
fn on(rules: &mut Rules, number: i64, alternatives: &[&[Argument]]) -> Result<(), String> {
    let mut made = Vec::new();
    for conditions in alternatives {
        let conditions = conditions
            .iter()
            .map(|one| {
                let width = SeccompCmpArgLen::Dword;
                SeccompCondition::new(one.index, width, one.operator.clone(), one.value)
            })
            .collect::<Result<_, _>>()
            .map_err(|error| error.to_string())?;
        made.push(SeccompRule::new(conditions).map_err(|error| error.to_string())?);
    }
    rules.insert(number, made);
    Ok(())
}

/// Answers "no such call" to all that are newer than this list.
fn later_calls() -> BpfProgram {
    let statement = |code: u32, k: u32| sock_filter {
        code: code as u16,
        jt: 0,
        jf: 0,
        k,
    };
    // The number of the call is the first word of what the filter is given.
    let load = statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0);
    let later = sock_filter {
        jf: 1,
        ..statement(libc::BPF_JMP | libc::BPF_JGT | libc::BPF_K, LAST_JUDGED)
    };
    let unknown = libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs();
    vec![
        load,
        later,
        statement(libc::BPF_RET | libc::BPF_K, unknown),
        statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW),
    ]
}

#[cfg(test)]
mod tests {
    use nix::libc;

    use super::super::calls::{FILE_OWNERS, REFUSED, REFUSED_TO_PROGRAMS, UNKNOWN};
    use super::{BrowserUser, Purpose, programs, refusals};

    fn program(landlock: i32) -> Purpose {
        Purpose::Program {
            landlock,
            group: 77,
        }
    }

    #[test]
    fn every_filter_compiles_and_is_short() {
        for purpose in [program(1), program(7), Purpose::Browser(BrowserUser::Root)] {
            for filter in programs(purpose).unwrap() {
                assert!(filter.len() < 1000, "{purpose:?}: {}", filter.len());
            }
        }
    }

    #[test]
    fn what_landlock_does_not_do_yet_is_done_here() {
        let judged =
            |landlock: i32, number: i64| refusals(program(landlock)).unwrap().contains_key(&number);
        for (number, from) in [
            (libc::SYS_truncate, 3),
            (libc::SYS_kill, 6),
            (libc::SYS_tkill, 6),
            (libc::SYS_tgkill, 6),
            (libc::SYS_rt_sigqueueinfo, 6),
            (libc::SYS_pidfd_send_signal, 6),
            (libc::SYS_fcntl, 6),
        ] {
            for landlock in 1..=7 {
                assert_eq!(
                    judged(landlock, number),
                    landlock < from,
                    "{number} at {landlock}"
                );
            }
        }
    }

    #[test]
    fn no_call_is_listed_twice() {
        let mut all = [UNKNOWN, REFUSED, REFUSED_TO_PROGRAMS, FILE_OWNERS].concat();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn a_browser_keeps_its_connections_and_its_own_sandbox() {
        let rules = refusals(Purpose::Browser(BrowserUser::Other)).unwrap();
        for number in [libc::SYS_connect, libc::SYS_unshare, libc::SYS_memfd_create] {
            assert!(!rules.contains_key(&number), "{number}");
        }
        assert!(rules.contains_key(&libc::SYS_ptrace));
    }
}
