//! The table.

use Scenario::{
    Backup, Buckets, BulkDelete, Checksums, Conditions, Copies, Errors, Links, ManyKeys, Metadata, Multipart,
    Objects, OddKeys, Ranges, Streams, Sync, Tls,
};

/// What a user does with a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// Bodies of nothing, inline, and on the long-term tier come back byte by byte.
    Objects,
    /// Bodies whose length or hash is not known when they are sent.
    Streams,
    /// Large bodies in parts, as the client cuts them.
    Multipart,
    /// 1,100 keys: more than a page.
    ManyKeys,
    /// Spaces, `+`, `%`, markup, Unicode, `//`, 1,024 bytes, a key that is a prefix of another.
    OddKeys,
    /// The user's metadata and the headers that S3 keeps.
    Metadata,
    /// Parts of a body.
    Ranges,
    /// Copies made by the server.
    Copies,
    /// Many objects deleted by one request.
    BulkDelete,
    /// Presigned URLs: of version 2 where that is what the client makes (aws-cli 1, boto3, s3cmd), else 4.
    Links,
    /// `If-Match`, `If-None-Match`, races.
    Conditions,
    /// Checksums stored, given back and compared; attributes.
    Checksums,
    /// Codes and statuses as the client reports them.
    Errors,
    /// Buckets made, listed, looked at and deleted.
    Buckets,
    /// A tree kept equal in both directions.
    Sync,
    /// A backup made, checked and restored with all its bytes.
    Backup,
    /// All that over https, by HTTP/2 where the client speaks it, with a certificate of a private authority.
    Tls,
}

impl Scenario {
    /// Its words in the README.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Objects => "objects small and large",
            Streams => "streams",
            Multipart => "multipart",
            ManyKeys => "1,100 keys",
            OddKeys => "odd keys",
            Metadata => "metadata",
            Ranges => "ranges",
            Copies => "copies",
            BulkDelete => "bulk delete",
            Links => "presigned URLs",
            Conditions => "conditions",
            Checksums => "checksums",
            Errors => "error codes",
            Buckets => "buckets",
            Sync => "sync",
            Backup => "backup, check, restore",
            Tls => "TLS",
        }
    }
}

/// One client.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    /// Its name in the README.
    pub name: &'static str,
    /// Its module in `tests/clients`.
    pub module: &'static str,
    /// Its tests by scenario. A name that ends in `::` stands for all tests of that module.
    pub proves: Proofs,
}

/// All clients.
pub const CLIENTS: &[Client] = &[
    Client { name: "aws-cli 2", module: "aws_cli", proves: AWS_CLI_2 },
    Client { name: "aws-cli 1", module: "aws_cli", proves: AWS_CLI_1 },
    Client { name: "boto3", module: "boto3", proves: BOTO3 },
    Client { name: "AWS SDK for Rust", module: "aws_sdk", proves: RUST },
    Client { name: "AWS SDK for JavaScript 3", module: "javascript", proves: JAVASCRIPT },
    Client { name: "AWS SDK for Go 2", module: "go", proves: GO },
    Client { name: "AWS SDK for Java 2", module: "java", proves: JAVA },
    Client { name: "rclone", module: "rclone", proves: RCLONE },
    Client { name: "s3cmd", module: "s3cmd", proves: S3CMD },
    Client { name: "s5cmd", module: "s5cmd", proves: S5CMD },
    Client {
        name: "restic",
        module: "restic",
        proves: &[
            (Backup, &["a_backup_is_checked_restored_and_pruned"]),
            (Tls, &["a_backup_over_tls_is_checked_and_restored"]),
        ],
    },
    Client { name: "kopia", module: "kopia", proves: KOPIA },
    Client { name: "duplicity", module: "duplicity", proves: DUPLICITY },
    Client { name: "litestream", module: "litestream", proves: LITESTREAM },
];

type Proofs = &'static [(Scenario, &'static [&'static str])];

/// What both versions prove, and more.
macro_rules! aws_cli {
    ($($more:expr),*) => {
        &[
            (Objects, &["small_and_large_files_are_copied_there_and_back"]),
            (Streams, &["streams_go_in_and_out"]),
            (
                Multipart,
                &["small_and_large_files_are_copied_there_and_back", "single_operations_answer_as_documented"],
            ),
            (ManyKeys, &["many_keys_are_listed_and_removed"]),
            (OddKeys, &["odd_keys_come_back"]),
            (Metadata, &["metadata_comes_back"]),
            (Ranges, &["single_operations_answer_as_documented"]),
            (Copies, &["small_and_large_files_are_copied_there_and_back"]),
            (BulkDelete, &["files_are_moved_and_chosen_by_patterns"]),
            (
                Buckets,
                &[
                    "small_and_large_files_are_copied_there_and_back",
                    "single_operations_answer_as_documented",
                    "the_profile_that_terrace_prints_works",
                ],
            ),
            (Sync, &["a_tree_is_synchronised_in_both_directions"]),
            (Links, &["a_presigned_url_is_open_to_who_holds_it"]),
            (Tls, &["it_works_over_tls"]),
            $($more),*
        ]
    };
}

const AWS_CLI_2: Proofs = aws_cli!();
// The newest of all: version 2 as Debian has it knows neither.
const AWS_CLI_1: Proofs = aws_cli!(
    (Conditions, &["checksums_are_compared_and_writes_conditional_where_it_knows_how"]),
    (Checksums, &["checksums_are_compared_and_writes_conditional_where_it_knows_how"])
);

const BOTO3: Proofs = &[
    (Objects, &["objects"]),
    (Streams, &["streams"]),
    (Multipart, &["multipart", "part_copy", "upload_file"]),
    (ManyKeys, &["many_keys", "listing"]),
    (OddKeys, &["odd_keys"]),
    (Metadata, &["metadata"]),
    (Ranges, &["ranges"]),
    (Copies, &["copies"]),
    (BulkDelete, &["delete_objects"]),
    (Links, &["presigned"]),
    (Conditions, &["conditions"]),
    (Checksums, &["checksums", "multipart_checksums", "attributes"]),
    (Errors, &["errors"]),
    (Buckets, &["buckets"]),
    (Tls, &["over_tls"]),
];

const RUST: Proofs = &[
    (
        Objects,
        &[
            "objects::a_body_of_any_size_comes_back_as_it_was",
            "objects::a_deleted_object_is_gone_and_deleting_nothing_succeeds",
            "objects::an_etag_changes_with_each_write_and_is_never_taken_for_an_md5",
            "objects::an_overwrite_replaces_a_body_across_the_tiers",
        ],
    ),
    (Multipart, &["multipart::"]),
    (ManyKeys, &["listings::a_thousand_keys_are_a_page"]),
    (OddKeys, &["keys::", "listings::"]),
    (Metadata, &["objects::metadata_and_system_headers_come_back"]),
    (Ranges, &["objects::a_range_is_cut_out_of_inline_and_large_bodies"]),
    (Copies, &["copies::"]),
    (BulkDelete, &["objects::many_objects_are_deleted_by_one_request"]),
    (Links, &["presigned::"]),
    (Conditions, &["conditions::"]),
    (
        Checksums,
        &[
            "checksums::",
            "objects::a_stored_checksum_comes_back_when_asked",
            "objects::attributes_are_those_of_the_object",
        ],
    ),
    (Buckets, &["buckets::"]),
];

const JAVASCRIPT: Proofs = &[
    (Objects, &["objects"]),
    (Streams, &["streams"]),
    (Multipart, &["multipart", "upload"]),
    (ManyKeys, &["many_keys"]),
    (OddKeys, &["odd_keys"]),
    (Metadata, &["metadata"]),
    (Ranges, &["ranges"]),
    (Copies, &["copies"]),
    (BulkDelete, &["delete_objects"]),
    (Links, &["presigned"]),
    (Conditions, &["conditions"]),
    (Checksums, &["attributes"]),
    (Errors, &["errors"]),
    (Tls, &["over_tls"]),
];

const GO: Proofs = &[
    (Objects, &["objects"]),
    (Streams, &["transfers"]),
    (Multipart, &["multipart", "transfers"]),
    (ManyKeys, &["many_keys"]),
    (OddKeys, &["odd_keys"]),
    (Metadata, &["metadata"]),
    (Ranges, &["ranges"]),
    (Copies, &["copies"]),
    (BulkDelete, &["delete_objects"]),
    (Links, &["presigned"]),
    (Conditions, &["conditions"]),
    (Checksums, &["attributes"]),
    (Errors, &["failures"]),
    (Tls, &["over_tls"]),
];

const JAVA: Proofs = &[
    (Objects, &["objects"]),
    (Streams, &["objects"]),
    (Multipart, &["multipart", "transfers"]),
    (ManyKeys, &["many_keys"]),
    (OddKeys, &["odd_keys"]),
    (Metadata, &["metadata"]),
    (Ranges, &["ranges"]),
    (Copies, &["copies"]),
    (BulkDelete, &["delete_objects"]),
    (Links, &["presigned"]),
    (Conditions, &["conditions"]),
    (Checksums, &["attributes"]),
    (Errors, &["failures"]),
    (Tls, &["over_tls"]),
];

const RCLONE: Proofs = &[
    (Objects, &["a_tree_is_copied_checked_and_synchronised"]),
    (Streams, &["large_files_and_streams_go_in_parts"]),
    (Multipart, &["large_files_and_streams_go_in_parts"]),
    (ManyKeys, &["many_keys_are_listed_and_removed"]),
    (OddKeys, &["odd_keys_come_back"]),
    (Metadata, &["metadata_ranges_and_links"]),
    (Ranges, &["metadata_ranges_and_links"]),
    (Copies, &["large_files_and_streams_go_in_parts"]),
    (Links, &["metadata_ranges_and_links"]),
    (
        Checksums,
        &[
            "a_provider_that_compares_etags_takes_parts_for_corrupted_and_the_readme_says_what_to_set",
            "hashes_are_those_of_the_files",
            "providers_that_compare_etags_are_served_where_these_are_md5s",
        ],
    ),
    (Buckets, &["a_tree_is_copied_checked_and_synchronised"]),
    (
        Sync,
        &["a_tree_is_copied_checked_and_synchronised", "trees_are_moved_and_kept_in_step_from_both_sides"],
    ),
    (Tls, &["it_works_over_tls"]),
];

const S3CMD: Proofs = &[
    (Objects, &["a_tree_is_synchronised_in_both_directions"]),
    (Streams, &["streams_go_in_and_out"]),
    (Multipart, &["an_upload_that_broke_off_goes_on", "large_files_go_in_parts"]),
    (ManyKeys, &["many_keys_are_listed_and_removed"]),
    (OddKeys, &["odd_keys_come_back"]),
    (Metadata, &["metadata_and_what_is_asked_of_a_bucket"]),
    (Ranges, &["metadata_and_what_is_asked_of_a_bucket"]),
    (Copies, &["folders_are_copied_moved_and_counted", "large_files_go_in_parts"]),
    (BulkDelete, &["many_keys_are_listed_and_removed"]),
    (Links, &["a_signed_url_is_open_to_who_holds_it"]),
    (Buckets, &["metadata_and_what_is_asked_of_a_bucket", "a_tree_is_synchronised_in_both_directions"]),
    (Sync, &["a_tree_is_synchronised_in_both_directions"]),
    (Tls, &["it_works_over_tls"]),
    (Checksums, &["etags_that_are_md5s_are_compared"]),
];

const S5CMD: Proofs = &[
    (Objects, &["a_tree_is_copied_and_synchronised"]),
    (Streams, &["large_files_and_streams_go_in_parts"]),
    (Multipart, &["large_files_and_streams_go_in_parts"]),
    (ManyKeys, &["many_keys_are_listed_and_removed"]),
    (OddKeys, &["odd_keys_come_back"]),
    (Metadata, &["metadata_and_presigned"]),
    (Ranges, &["large_files_and_streams_go_in_parts"]),
    (Copies, &["odd_keys_come_back", "a_tree_is_copied_and_synchronised"]),
    (BulkDelete, &["many_keys_are_listed_and_removed"]),
    (Links, &["metadata_and_presigned"]),
    (Buckets, &["a_list_of_commands_and_all_versions", "a_tree_is_copied_and_synchronised"]),
    (Sync, &["a_tree_is_copied_and_synchronised"]),
    (Tls, &["it_works_over_tls"]),
];

const KOPIA: Proofs = &[
    (Objects, &["its_examination_of_a_storage_is_passed"]),
    (Conditions, &["its_examination_of_a_storage_is_passed"]),
    (Backup, &["a_backup_is_verified_restored_and_deleted"]),
];

const DUPLICITY: Proofs = &[(Backup, &["a_backup_is_extended_verified_and_restored"])];

const LITESTREAM: Proofs = &[(Backup, &["a_database_is_replicated_and_restored"])];
