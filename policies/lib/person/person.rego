# METADATA
# title: Person
# description: >-
#   Who is who. An account is told by its name, however it is written, and by its UID where it has one; groups tell
#   nobody, because one person can come with several sets of them.
package lib.person

# METADATA
# description: Who asks, as far as that is known. Never undefined, for what is undefined slips through a negation.
asker := object.get(input, ["request", "user"], {})

# METADATA
# description: Whether who asks is in one of some groups.
asker_in(groups) if in_group(object.get(asker, "groups", []), groups)

# METADATA
# description: The name of a user, in one spelling. Directories that hand out names by mail address mind no case.
named(user) := lower(trim_space(user.username))

# METADATA
# description: The UID of a user; without one, the name.
identity(user) := user.uid if user.uid != ""

identity(user) := named(user) if object.get(user, "uid", "") == ""

# METADATA
# description: Whether two users are one person, as far as anybody can tell.
same(one, other) if named(one) == named(other)

same(one, other) if {
	one.uid != ""
	one.uid == other.uid
}

# METADATA
# description: Whether somebody is in one of some groups.
in_group(groups, wanted) if {
	some group in groups
	group in wanted
}

# METADATA
# description: Whether a user is a program.
is_service_account(user) if startswith(user.username, "system:serviceaccount:")

# METADATA
# description: >-
#   Whether a user came with a credential of their own. The API server tells nobody at admission who impersonates whom,
#   but it knows no credential of a user who is impersonated. Installations whose users come without one list them.
authentic(user) if user.credentialId != ""

authentic(user) if user.username in data.parameters.approval.withoutCredential

authentic(_) if "*" in data.parameters.approval.withoutCredential
