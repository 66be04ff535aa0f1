//! Who may talk to the bot.

/// The rule that lets an update in, by the ids of its chat and its person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Everyone,
    /// Only the listed: an empty list does not restrict, except that two empty ones let nobody in.
    Listed {
        /// Chats.
        chats: Vec<i64>,
        /// People.
        users: Vec<i64>,
    },
}

impl Access {
    /// Whether an update with these ids is let in. An id that is missing is on no list.
    pub fn admits(&self, chat: Option<i64>, user: Option<i64>) -> bool {
        let Self::Listed { chats, users } = self else {
            return true;
        };
        let listed = |list: &[i64], id: Option<i64>| id.is_some_and(|id| list.contains(&id));
        match (chats.is_empty(), users.is_empty()) {
            (true, true) => false,
            (false, true) => listed(chats, chat),
            (true, false) => listed(users, user),
            (false, false) => listed(chats, chat) && listed(users, user),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Ids = &'static [i64];

    #[test]
    fn one_list_decides_and_two_must_both_match() {
        let cases: [(Ids, Ids, i64, i64, bool); 9] = [
            (&[], &[], 42, 42, false),
            (&[42], &[], 42, 7, true),
            (&[42], &[], 43, 42, false),
            (&[], &[7], -100, 7, true),
            (&[], &[7], 7, 8, false),
            (&[-100], &[7], -100, 7, true),
            (&[-100], &[7], -100, 8, false),
            (&[-100], &[7], 7, 7, false),
            (&[-100], &[7], -200, 7, false),
        ];
        for (chats, users, chat, user, expected) in cases {
            let access = Access::Listed {
                chats: chats.to_vec(),
                users: users.to_vec(),
            };
            let admitted = access.admits(Some(chat), Some(user));
            assert_eq!(
                admitted, expected,
                "{access:?} for chat {chat}, user {user}"
            );
        }
    }

    #[test]
    fn who_cannot_be_told_is_not_let_in() {
        let access = Access::Listed {
            chats: vec![],
            users: vec![7],
        };
        assert!(!access.admits(Some(7), None));
        assert!(Access::Everyone.admits(None, None));
    }
}
