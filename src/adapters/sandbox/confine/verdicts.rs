//! The filters as the kernel runs them: each call of a table, with its arguments, gets its answer.

use nix::libc;
use seccompiler::sock_filter;

use super::calls::{
    FILE_OWNERS, FILE_OWNERS_HERE, ONLY_ONESELF, REFUSED, REFUSED_HERE, REFUSED_TO_PROGRAMS,
    REFUSED_TO_PROGRAMS_HERE, SIGNALS, UNKNOWN,
};
use super::syscalls::{BrowserUser, Purpose, programs};

/// What the kernel gives a filter to look at.
struct Call {
    number: i64,
    arch: u32,
    arguments: [u64; 6],
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Runs,
    Fails(i32),
    /// The whole process ends.
    Ends,
}

#[cfg(target_arch = "x86_64")]
const HERE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const HERE: u32 = 0xc000_00b7;
const I386: u32 = 0x4000_0003;

impl Call {
    fn word(&self, at: u32) -> u32 {
        let argument = |at: u32| self.arguments[(at as usize - 16) / 8];
        match at {
            0 => self.number as u32,
            4 => self.arch,
            16.. if at.is_multiple_of(8) => argument(at) as u32,
            16.. => (argument(at) >> 32) as u32,
            other => panic!("nothing is read at {other}"),
        }
    }

    /// What one filter says, in the kernel's words.
    fn judged_by(&self, filter: &[sock_filter]) -> u32 {
        let (mut at, mut value) = (0usize, 0u32);
        loop {
            let step = &filter[at];
            at += 1;
            let code = u32::from(step.code);
            let jump = |is_so: bool| usize::from(if is_so { step.jt } else { step.jf });
            match code & 0x07 {
                libc::BPF_LD => value = self.word(step.k),
                libc::BPF_ALU if code & 0xf0 == libc::BPF_AND => value &= step.k,
                libc::BPF_RET => return step.k,
                libc::BPF_JMP => {
                    at += match code & 0xf0 {
                        libc::BPF_JA => step.k as usize,
                        libc::BPF_JEQ => jump(value == step.k),
                        libc::BPF_JGT => jump(value > step.k),
                        libc::BPF_JGE => jump(value >= step.k),
                        libc::BPF_JSET => jump(value & step.k != 0),
                        other => panic!("jump {other:#x}"),
                    }
                }
                other => panic!("step {other:#x}"),
            }
        }
    }

    /// What all filters say together: the kernel asks each, and the strictest counts.
    fn judged(&self, purpose: Purpose) -> Answer {
        let answers = programs(purpose).unwrap();
        let strictest = answers
            .iter()
            .map(|filter| self.judged_by(filter))
            .min_by_key(|answer| (answer & libc::SECCOMP_RET_ACTION_FULL).cast_signed())
            .unwrap();
        match strictest & libc::SECCOMP_RET_ACTION_FULL {
            libc::SECCOMP_RET_ALLOW => Answer::Runs,
            libc::SECCOMP_RET_ERRNO => {
                Answer::Fails((strictest & libc::SECCOMP_RET_DATA).cast_signed())
            }
            libc::SECCOMP_RET_KILL_PROCESS => Answer::Ends,
            other => panic!("answer {other:#x}"),
        }
    }
}

fn call(number: i64, arguments: &[u64]) -> Call {
    let mut all = [0; 6];
    all[..arguments.len()].copy_from_slice(arguments);
    Call {
        number,
        arch: HERE,
        arguments: all,
    }
}

/// The leader of the program's own group.
const GROUP: i32 = 77;

fn program(landlock: i32) -> Purpose {
    Purpose::Program {
        landlock,
        group: GROUP,
    }
}

const NEW: i32 = 7;
const REFUSED_WITH: Answer = Answer::Fails(libc::EPERM);
const NOT_KNOWN: Answer = Answer::Fails(libc::ENOSYS);

fn low(value: i32) -> u64 {
    u64::from(value.cast_unsigned())
}

fn flags(value: i32) -> u64 {
    u64::from(value.unsigned_abs())
}

#[test]
fn every_call_of_the_lists_is_refused_whatever_it_is_given() {
    let lists = [
        REFUSED,
        REFUSED_HERE,
        REFUSED_TO_PROGRAMS,
        REFUSED_TO_PROGRAMS_HERE,
        FILE_OWNERS,
        FILE_OWNERS_HERE,
    ];
    for number in lists.into_iter().flatten() {
        for argument in [0, 1, u64::MAX] {
            let found = call(*number, &[argument; 6]).judged(program(NEW));
            assert_eq!(found, REFUSED_WITH, "call {number} with {argument:#x}");
        }
    }
    for number in UNKNOWN {
        assert_eq!(
            call(*number, &[0]).judged(program(NEW)),
            NOT_KNOWN,
            "{number}"
        );
    }
}

#[expect(clippy::too_many_lines, reason = "a table")]
#[test]
fn calls_are_judged_by_what_they_are_given() {
    // The kernel reads 32 bits of most of these; what stands above must not matter.
    let above = 1 << 32;
    let unix = flags(libc::AF_UNIX);
    let stream = flags(libc::SOCK_STREAM);
    let group = low(GROUP);
    let threads = libc::CLONE_VM | libc::CLONE_FILES | libc::CLONE_THREAD | libc::CLONE_SIGHAND;
    let cases: Vec<(i64, Vec<u64>, Answer)> = vec![
        (libc::SYS_ioctl, vec![0, libc::TIOCSTI], REFUSED_WITH),
        (
            libc::SYS_ioctl,
            vec![0, libc::TIOCSTI | above],
            REFUSED_WITH,
        ),
        (libc::SYS_ioctl, vec![0, libc::TIOCLINUX], REFUSED_WITH),
        // FIOSETOWN and SIOCSPGRP say who is sent a signal, as `fcntl` does.
        (libc::SYS_ioctl, vec![0, 0x8901], REFUSED_WITH),
        (libc::SYS_ioctl, vec![0, 0x8902], REFUSED_WITH),
        (libc::SYS_ioctl, vec![0, 0x8902 | above], REFUSED_WITH),
        // FIOGETOWN only tells.
        (libc::SYS_ioctl, vec![0, 0x8903], Answer::Runs),
        (libc::SYS_ioctl, vec![0, libc::TCGETS], Answer::Runs),
        (libc::SYS_setpriority, vec![0, 0, 19], Answer::Runs),
        (libc::SYS_setpriority, vec![0, 5, 19], REFUSED_WITH),
        (libc::SYS_setpriority, vec![2, 0, 19], REFUSED_WITH),
        (libc::SYS_setpriority, vec![2 | above, 0, 19], REFUSED_WITH),
        (libc::SYS_ioprio_set, vec![1, 5, 0], REFUSED_WITH),
        (libc::SYS_ioprio_set, vec![3, 0, 0], REFUSED_WITH),
        (libc::SYS_clone, vec![flags(threads)], Answer::Runs),
        (libc::SYS_clone, vec![flags(libc::SIGCHLD)], Answer::Runs),
        (
            libc::SYS_clone,
            vec![flags(libc::CLONE_NEWUSER | libc::SIGCHLD)],
            REFUSED_WITH,
        ),
        (
            libc::SYS_clone,
            vec![flags(libc::CLONE_NEWNET | threads)],
            REFUSED_WITH,
        ),
        (libc::SYS_socketpair, vec![unix, stream], Answer::Runs),
        (
            libc::SYS_socketpair,
            vec![unix, stream | flags(libc::SOCK_CLOEXEC)],
            Answer::Runs,
        ),
        (
            libc::SYS_socketpair,
            vec![unix, flags(libc::SOCK_DGRAM)],
            REFUSED_WITH,
        ),
        (
            libc::SYS_socketpair,
            vec![unix, flags(libc::SOCK_DGRAM | libc::SOCK_CLOEXEC)],
            REFUSED_WITH,
        ),
        (
            libc::SYS_socketpair,
            vec![unix, flags(libc::SOCK_RAW)],
            REFUSED_WITH,
        ),
        (
            libc::SYS_socketpair,
            vec![flags(libc::AF_INET), stream],
            REFUSED_WITH,
        ),
        (
            libc::SYS_prctl,
            vec![flags(libc::PR_SET_DUMPABLE), 0],
            REFUSED_WITH,
        ),
        (
            libc::SYS_prctl,
            vec![flags(libc::PR_SET_NAME), 0],
            Answer::Runs,
        ),
        (libc::SYS_kill, vec![low(4711), 9], Answer::Runs),
        (libc::SYS_fcntl, vec![0, flags(libc::F_SETFL)], Answer::Runs),
        (libc::SYS_truncate, vec![0, 0], Answer::Runs),
        (libc::SYS_ftruncate, vec![0, 0], Answer::Runs),
    ];
    for number in ONLY_ONESELF {
        assert_eq!(
            call(*number, &[0]).judged(program(NEW)),
            Answer::Runs,
            "{number}"
        );
        assert_eq!(
            call(*number, &[above]).judged(program(NEW)),
            Answer::Runs,
            "{number}"
        );
        for other in [1, group, low(-1)] {
            assert_eq!(
                call(*number, &[other]).judged(program(NEW)),
                REFUSED_WITH,
                "{number} {other}"
            );
        }
    }
    for (number, arguments, expected) in cases {
        let found = call(number, &arguments).judged(program(NEW));
        assert_eq!(found, expected, "call {number} with {arguments:x?}");
    }
}

/// Signals to others, and cutting files off, where Landlock does not see them yet.
#[test]
fn what_an_old_landlock_does_not_do_is_done_here() {
    let (group, other) = (low(GROUP), low(4711));
    for old in 1..=5 {
        for (own, is_own) in [
            (0, true),
            (group, true),
            (low(-GROUP), true),
            (other, false),
            (low(-1), false),
            (1, false),
        ] {
            let found = call(libc::SYS_kill, &[own, 9]).judged(program(old));
            assert_eq!(found == Answer::Runs, is_own, "kill {own:#x} at {old}");
        }
        for number in SIGNALS {
            assert_eq!(
                call(*number, &[group, 9]).judged(program(old)),
                Answer::Runs
            );
            assert_eq!(
                call(*number, &[other, 9]).judged(program(old)),
                REFUSED_WITH,
                "{number}"
            );
        }
        let by_handle = call(libc::SYS_pidfd_send_signal, &[3, 9]);
        assert_eq!(by_handle.judged(program(old)), REFUSED_WITH);
        for command in [libc::F_SETOWN, 15] {
            let owner = call(libc::SYS_fcntl, &[3, flags(command), other]);
            assert_eq!(owner.judged(program(old)), REFUSED_WITH, "fcntl {command}");
        }
        let cut = call(libc::SYS_truncate, &[0, 0]).judged(program(old));
        assert_eq!(cut == REFUSED_WITH, old < 3, "truncate at {old}");
    }
}

#[test]
fn what_is_not_of_this_machine_or_newer_than_the_list_is_no_call() {
    for number in [
        470,
        5000,
        0x4000_0000 + 39,
        0x4000_0000 + 59,
        i64::from(u32::MAX),
    ] {
        for purpose in [program(NEW), Purpose::Browser(BrowserUser::Other)] {
            assert_eq!(call(number, &[0]).judged(purpose), NOT_KNOWN, "{number:#x}");
        }
    }
    let foreign = Call {
        arch: I386,
        ..call(20, &[])
    };
    assert_eq!(foreign.judged(program(NEW)), Answer::Ends);
}

/// What every program does all day.
#[test]
fn ordinary_calls_run() {
    for number in [
        libc::SYS_read,
        libc::SYS_write,
        libc::SYS_openat,
        libc::SYS_close,
        libc::SYS_mmap,
        libc::SYS_mprotect,
        libc::SYS_brk,
        libc::SYS_execve,
        libc::SYS_wait4,
        libc::SYS_exit_group,
        libc::SYS_futex,
        libc::SYS_pipe2,
        libc::SYS_dup3,
        libc::SYS_getdents64,
        libc::SYS_unlinkat,
        libc::SYS_renameat2,
        libc::SYS_mkdirat,
        libc::SYS_sendto,
        libc::SYS_recvfrom,
        libc::SYS_recvmsg,
        libc::SYS_epoll_create1,
        libc::SYS_rt_sigaction,
        libc::SYS_getrandom,
        libc::SYS_statx,
        libc::SYS_faccessat2,
    ] {
        for old in [1, NEW] {
            assert_eq!(
                call(number, &[0; 6]).judged(program(old)),
                Answer::Runs,
                "{number}"
            );
        }
    }
}
