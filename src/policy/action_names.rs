//! The names of S3 actions that no request to a bucket needs: access points, jobs, replication, account settings.
//! It must not repeat the actions of `s3::action`.

use crate::s3::action::Action;

/// Whether S3 has an action of this name (`s3:` and the name, letter case ignored), by the service authorization
/// reference. A policy may name them all; a name that is not one of them is a typing error.
#[must_use]
pub fn exists(action: &str) -> bool {
    if Action::from_name(action).is_some() {
        return true;
    }
    let name =
        action.get(..3).filter(|service| service.eq_ignore_ascii_case("s3:")).and_then(|_| action.get(3..));
    name.is_some_and(|name| ELSEWHERE.iter().any(|known| known.eq_ignore_ascii_case(name)))
}

/// The names of all actions of S3, without `s3:`.
pub fn all() -> impl Iterator<Item = &'static str> {
    let served = Action::ALL.iter().filter_map(|action| action.name().strip_prefix("s3:"));
    served.chain(ELSEWHERE.iter().copied())
}

const ELSEWHERE: &[&str] = &[
    "AllowVendedLogDeliveryForResource",
    "AssociateAccessGrantsIdentityCenter",
    "CreateAccessGrant",
    "CreateAccessGrantsInstance",
    "CreateAccessGrantsLocation",
    "CreateAccessPoint",
    "CreateAccessPointForObjectLambda",
    "CreateJob",
    "CreateMultiRegionAccessPoint",
    "CreateStorageLensGroup",
    "DeleteAccessGrant",
    "DeleteAccessGrantsInstance",
    "DeleteAccessGrantsInstanceResourcePolicy",
    "DeleteAccessGrantsLocation",
    "DeleteAccessPoint",
    "DeleteAccessPointForObjectLambda",
    "DeleteAccessPointPolicy",
    "DeleteAccessPointPolicyForObjectLambda",
    "DeleteJobTagging",
    "DeleteMultiRegionAccessPoint",
    "DeleteStorageLensConfiguration",
    "DeleteStorageLensConfigurationTagging",
    "DeleteStorageLensGroup",
    "DescribeJob",
    "DescribeMultiRegionAccessPointOperation",
    "DissociateAccessGrantsIdentityCenter",
    "GetAccessGrant",
    "GetAccessGrantsInstance",
    "GetAccessGrantsInstanceForPrefix",
    "GetAccessGrantsInstanceResourcePolicy",
    "GetAccessGrantsLocation",
    "GetAccessPoint",
    "GetAccessPointConfigurationForObjectLambda",
    "GetAccessPointForObjectLambda",
    "GetAccessPointPolicy",
    "GetAccessPointPolicyForObjectLambda",
    "GetAccessPointPolicyStatus",
    "GetAccessPointPolicyStatusForObjectLambda",
    "GetAccountPublicAccessBlock",
    "GetDataAccess",
    "GetJobTagging",
    "GetMultiRegionAccessPoint",
    "GetMultiRegionAccessPointPolicy",
    "GetMultiRegionAccessPointPolicyStatus",
    "GetMultiRegionAccessPointRoutes",
    "GetObjectVersionAnnotationForReplication",
    "GetObjectVersionForReplication",
    "GetStorageLensConfiguration",
    "GetStorageLensConfigurationTagging",
    "GetStorageLensDashboard",
    "GetStorageLensGroup",
    "InitiateReplication",
    "ListAccessGrants",
    "ListAccessGrantsInstances",
    "ListAccessGrantsLocations",
    "ListAccessPoints",
    "ListAccessPointsForObjectLambda",
    "ListCallerAccessGrants",
    "ListJobs",
    "ListMultiRegionAccessPoints",
    "ListStorageLensConfigurations",
    "ListStorageLensGroups",
    "ListTagsForResource",
    "ObjectOwnerOverrideToBucketOwner",
    "PauseReplication",
    "PutAccessGrantsInstanceResourcePolicy",
    "PutAccessPointConfigurationForObjectLambda",
    "PutAccessPointPolicy",
    "PutAccessPointPolicyForObjectLambda",
    "PutAccessPointPublicAccessBlock",
    "PutAccountPublicAccessBlock",
    "PutJobTagging",
    "PutMultiRegionAccessPointPolicy",
    "PutStorageLensConfiguration",
    "PutStorageLensConfigurationTagging",
    "ReplicateDelete",
    "ReplicateObject",
    "ReplicateObjectAnnotation",
    "ReplicateTags",
    "SubmitMultiRegionAccessPointRoutes",
    "TagResource",
    "UntagResource",
    "UpdateAccessGrantsLocation",
    "UpdateJobPriority",
    "UpdateJobStatus",
    "UpdateStorageLensGroup",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_in_any_case() {
        for (name, expected) in [
            ("s3:GetObject", true),
            ("S3:getobject", true),
            ("s3:CreateJob", true),
            ("S3:createjob", true),
            ("s3:GetObjects", false),
            ("s3:", false),
            ("ec2:CreateJob", false),
            ("s3express:CreateSession", true),
        ] {
            assert_eq!(exists(name), expected, "{name}");
        }
    }

    #[test]
    fn all_180_actions_are_here_once() {
        let served = Action::ALL.iter().filter(|action| action.name().starts_with("s3:")).count();
        assert_eq!(served + ELSEWHERE.len(), 180);
        for name in ELSEWHERE {
            assert_eq!(Action::from_name(&format!("s3:{name}")), None, "{name}");
        }
    }
}
