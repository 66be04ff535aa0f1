//! The system calls that a confined program is refused, as filters for seccomp.

use std::collections::BTreeMap;
use std::env::consts::ARCH;

use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter, sock_filter,
};

/// The last system call that was judged: later ones are answered as if the kernel did not know them.
/// With that the x32 calls are refused too, whose numbers begin at 2^30.
const LAST_JUDGED: u32 = FILE_SETATTR as u32;

// Newer than the names in libc; these numbers are the same on every machine.
const SETXATTRAT: i64 = 463;
const REMOVEXATTRAT: i64 = 466;
const OPEN_TREE_ATTR: i64 = 467;
const FILE_SETATTR: i64 = 469;

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
    Browser,
}

/// Answered as if the kernel did not have them, so that the callers take another way.
const UNKNOWN: &[i64] = &[
    // Its flags lie in memory, where no filter sees them; the caller falls back to `clone`.
    libc::SYS_clone3,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
];

/// Refused to programs and to browsers.
const REFUSED: &[i64] = &[
    // Other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_process_mrelease,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
    // The kernel's own machinery.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_syslog,
    libc::SYS_acct,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_personality,
    libc::SYS_vhangup,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    // Mounts, and files without a path.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    OPEN_TREE_ATTR,
    libc::SYS_mount_setattr,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_fanotify_mark,
    // Memory that outlives its processes.
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_semget,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_semctl,
    libc::SYS_msgget,
    libc::SYS_msgsnd,
    libc::SYS_msgrcv,
    libc::SYS_msgctl,
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
];

/// Refused to programs alone.
const REFUSED_TO_PROGRAMS: &[i64] = &[
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_chroot,
    libc::SYS_memfd_create,
    libc::SYS_memfd_secret,
    libc::SYS_execveat,
    libc::SYS_inotify_init1,
    libc::SYS_inotify_add_watch,
    // The network. What `socketpair` gives is connected already.
    libc::SYS_socket,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    // Landlock does not see these, and a filter does not see whose files they are for.
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    libc::SYS_fchmodat2,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_utimensat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    SETXATTRAT,
    REMOVEXATTRAT,
    FILE_SETATTR,
];

#[cfg(target_arch = "x86_64")]
const REFUSED_HERE: &[i64] = &[
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_modify_ldt,
    libc::SYS_kexec_file_load,
    libc::SYS_uselib,
];

#[cfg(not(target_arch = "x86_64"))]
const REFUSED_HERE: &[i64] = &[];

#[cfg(target_arch = "x86_64")]
const REFUSED_TO_PROGRAMS_HERE: &[i64] = &[
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_lchown,
    libc::SYS_utime,
    libc::SYS_utimes,
    libc::SYS_futimesat,
    libc::SYS_inotify_init,
];

#[cfg(not(target_arch = "x86_64"))]
const REFUSED_TO_PROGRAMS_HERE: &[i64] = &[];

/// Calls that name a process in their first argument: with anything but 0, oneself, they are refused.
const ONLY_ONESELF: &[i64] = &[
    libc::SYS_prlimit64,
    libc::SYS_sched_setaffinity,
    libc::SYS_sched_setscheduler,
    libc::SYS_sched_setparam,
    libc::SYS_sched_setattr,
];

/// Signals, where Landlock does not scope them. Each names its target first.
const SIGNALS: &[i64] = &[
    libc::SYS_tkill,
    libc::SYS_tgkill,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
];

/// From this version on Landlock sees `truncate`.
const LANDLOCK_TRUNCATES: i32 = 3;

/// From this version on Landlock scopes signals and abstract sockets.
const LANDLOCK_SCOPES: i32 = 6;

const NAMESPACES: [i32; 7] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];

/// Puts the filters on this process and all that it starts. There is no way back.
pub(super) fn restrict(purpose: Purpose) -> Result<(), String> {
    let explain = |error: &dyn std::fmt::Display| format!("seccomp does not work here: {error}");
    for program in programs(purpose).map_err(|error| explain(&error))? {
        apply_filter(&program).map_err(|error| explain(&error))?;
    }
    Ok(())
}

/// The filters. Each has one way of refusing; the kernel asks all of them.
fn programs(purpose: Purpose) -> Result<Vec<BpfProgram>, String> {
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
    // The kernel reads 32 bits of the number of an ioctl. These type into the terminal of others.
    let typed = |request| [argument(1, SeccompCmpOp::Eq, request)];
    on(
        &mut rules,
        libc::SYS_ioctl,
        &[&typed(libc::TIOCSTI), &typed(libc::TIOCLINUX)],
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
    if let Purpose::Program { landlock, group } = purpose {
        programs_alone(&mut rules, landlock, group)?;
    }
    Ok(rules)
}

const PRIORITY_OF_USER: u64 = 2;
const IO_PRIORITY_OF_USER: u64 = 3;

fn programs_alone(rules: &mut Rules, landlock: i32, group: i32) -> Result<(), String> {
    always(rules, REFUSED_TO_PROGRAMS);
    always(rules, REFUSED_TO_PROGRAMS_HERE);
    let namespaces: Vec<_> = NAMESPACES
        .into_iter()
        .map(|flag| u64::from(flag.unsigned_abs()))
        .map(|flag| [argument(0, SeccompCmpOp::MaskedEq(flag), flag)])
        .collect();
    let namespaces: Vec<&[_]> = namespaces.iter().map(|rule| &rule[..]).collect();
    on(rules, libc::SYS_clone, &namespaces)?;
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
    }
    Ok(())
}

const F_SETOWN_EX: i32 = 15;

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

    use super::{Purpose, REFUSED, REFUSED_TO_PROGRAMS, UNKNOWN, programs, refusals};

    fn program(landlock: i32) -> Purpose {
        Purpose::Program {
            landlock,
            group: 77,
        }
    }

    #[test]
    fn every_filter_compiles_and_is_short() {
        for purpose in [program(1), program(7), Purpose::Browser] {
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
        let mut all = [UNKNOWN, REFUSED, REFUSED_TO_PROGRAMS].concat();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn a_browser_keeps_its_sockets_and_its_own_sandbox() {
        let rules = refusals(Purpose::Browser).unwrap();
        for number in [
            libc::SYS_socket,
            libc::SYS_connect,
            libc::SYS_unshare,
            libc::SYS_memfd_create,
        ] {
            assert!(!rules.contains_key(&number), "{number}");
        }
        assert!(rules.contains_key(&libc::SYS_ptrace));
    }
}
