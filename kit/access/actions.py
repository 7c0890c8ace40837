"""The actions that give access to AppStream's sessions and to its users' files.

Every control about permissions takes its actions from this module. A principal has a *capability*
through any of its *ways*. A way is an action, or several actions that only work together. Each
action is listed with the kind of resource that IAM checks it against.

References
----------
AWS, Service Authorization Reference: "Actions, resources, and condition keys" of Amazon S3,
AppStream 2.0, AWS KMS, AWS IAM and AWS STS.
AWS, IAM User Guide, "Grant a user permissions to pass a role to an AWS service".
"""

from __future__ import annotations

from dataclasses import dataclass

Need = tuple[str, str]  # an action, and the kind of resource that IAM checks it against

ANY = "no resource"  # IAM checks the action against "*" alone
SOME = "some resource"  # any resource of another service
BUCKET, OBJECTS, ACCESS_POINT = "bucket", "objects", "access point"
LISTED_POINT = "listed access point"  # of a bucket with users' files
SOURCE = "source of applications"  # the objects from which Elastic fleets take what they run
LISTING = "list of objects"  # of a bucket or of an access point
USER, GROUP, ROLE, POLICY, PROVIDER = "user", "group", "role", "policy", "identity provider"
ASSUMED, PASSED = "role to assume", "role to pass"
KEY = "key"


def new(kind: str) -> str:
    """Return the kind of a resource to be created, which the caller may name freely."""
    return f"new {kind}"


def every(kind: str) -> str:
    """Return the kind for any resource of a kind that goes with the first resource of the way."""
    return f"any {kind}"


READ_FILES = "read users' files"
LIST_FILES = "list users' files"
CHANGE_FILES = "change or erase users' files"
UNPROTECT = "change how buckets are protected"
ADMINISTER = "administer AppStream"
CHANGE_SESSIONS = "change what runs in sessions"
MINT = "open streaming sessions"
GIVE_RIGHTS = "give rights"


@dataclass(frozen=True)
class Way:
    """Actions that must be allowed together.

    Attributes
    ----------
    needs : tuple of (str, str)
        Actions, each with the kind of resource that IAM checks it against.
    service : str
        The service principal to which a role is passed; empty where no role is passed.
    """

    needs: tuple[Need, ...]
    service: str = ""


def _each(service: str, kind: str, actions: str, also: str = "") -> tuple[Way, ...]:
    """Return a way for each action; ``also`` is a second kind that IAM checks it against."""
    full = (f"{service}:{action}" for action in actions.split())
    return tuple(Way(((action, kind), *([(action, also)] if also else []))) for action in full)


# Services that run the caller's code with the rights of a role that the caller passes: the service
# that the role trusts, and the actions that are needed.
_RUNS_WITH_A_ROLE = {
    "lambda.amazonaws.com": (
        "lambda:CreateFunction lambda:InvokeFunction",
        "lambda:CreateFunction lambda:AddPermission",
        "lambda:CreateFunction lambda:CreateEventSourceMapping",
        "lambda:CreateFunction lambda:CreateFunctionUrlConfig",
        "lambda:UpdateFunctionConfiguration lambda:UpdateFunctionCode",
    ),
    "ec2.amazonaws.com": (
        "ec2:RunInstances",
        "ec2:AssociateIamInstanceProfile",
        "ec2:ReplaceIamInstanceProfileAssociation",
        "ec2:RequestSpotInstances",
        "ec2:CreateLaunchTemplate ec2:CreateFleet",
        "ec2:CreateLaunchTemplate autoscaling:CreateAutoScalingGroup",
        "ec2:CreateLaunchTemplate autoscaling:UpdateAutoScalingGroup",
        "autoscaling:CreateLaunchConfiguration autoscaling:CreateAutoScalingGroup",
        "autoscaling:CreateLaunchConfiguration autoscaling:UpdateAutoScalingGroup",
        "elasticmapreduce:RunJobFlow",
        "elasticbeanstalk:CreateEnvironment",
        "imagebuilder:CreateInfrastructureConfiguration imagebuilder:CreateImage",
    ),
    # Whoever runs a task chooses its role and its command:
    # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskOverride.html
    "ecs-tasks.amazonaws.com": (
        "ecs:RunTask",
        "ecs:StartTask",
        "ecs:RegisterTaskDefinition ecs:CreateService",
        "ecs:RegisterTaskDefinition ecs:UpdateService",
        "batch:RegisterJobDefinition batch:SubmitJob",
    ),
    "cloudformation.amazonaws.com": (
        "cloudformation:CreateStack",
        "cloudformation:UpdateStack",
        "cloudformation:CreateChangeSet cloudformation:ExecuteChangeSet",
        "cloudformation:CreateStackSet cloudformation:CreateStackInstances",
        "cloudformation:UpdateStackSet",
    ),
    "codebuild.amazonaws.com": tuple(
        f"codebuild:{change} codebuild:{start}"
        for change in ("CreateProject", "UpdateProject")
        for start in ("StartBuild", "StartBuildBatch", "CreateWebhook")
    ),
    "codepipeline.amazonaws.com": ("codepipeline:CreatePipeline", "codepipeline:UpdatePipeline"),
    "datapipeline.amazonaws.com": (
        "datapipeline:CreatePipeline datapipeline:PutPipelineDefinition",
    ),
    "glue.amazonaws.com": (
        "glue:CreateDevEndpoint",
        "glue:CreateSession glue:RunStatement",
        *(
            f"glue:{change} glue:{start}"
            for change in ("CreateJob", "UpdateJob")
            for start in ("StartJobRun", "CreateTrigger")
        ),
    ),
    "sagemaker.amazonaws.com": (
        "sagemaker:CreateNotebookInstance sagemaker:CreatePresignedNotebookInstanceUrl",
        "sagemaker:CreateNotebookInstance sagemaker:CreateNotebookInstanceLifecycleConfig",
        "sagemaker:CreateUserProfile sagemaker:CreatePresignedDomainUrl",
        "sagemaker:CreateTrainingJob",
        "sagemaker:CreateHyperParameterTuningJob",
        "sagemaker:CreateProcessingJob",
        "sagemaker:CreateModel sagemaker:CreateTransformJob",
    ),
    "ssm.amazonaws.com": (
        "ssm:CreateDocument ssm:StartAutomationExecution",
        "ssm:UpdateDocument ssm:StartAutomationExecution",
        "ssm:CreateActivation",  # a machine of the caller's own becomes a managed node
    ),
    "states.amazonaws.com": tuple(
        f"states:{change} states:{start}"
        for change in ("CreateStateMachine", "UpdateStateMachine")
        for start in ("StartExecution", "StartSyncExecution")
    ),
    "events.amazonaws.com": ("events:PutTargets",),
    "scheduler.amazonaws.com": ("scheduler:CreateSchedule", "scheduler:UpdateSchedule"),
    "pipes.amazonaws.com": ("pipes:CreatePipe", "pipes:UpdatePipe"),
    "tasks.apprunner.amazonaws.com": ("apprunner:CreateService", "apprunner:UpdateService"),
    "emr-serverless.amazonaws.com": ("emr-serverless:StartJobRun",),
    "bedrock-agentcore.amazonaws.com": (
        "bedrock-agentcore:CreateCodeInterpreter bedrock-agentcore:InvokeCodeInterpreter",
        "bedrock-agentcore:CreateAgentRuntime bedrock-agentcore:InvokeAgentRuntime",
    ),
    "airflow.amazonaws.com": ("airflow:CreateEnvironment", "airflow:UpdateEnvironment"),
    "amplify.amazonaws.com": (
        "amplify:CreateApp amplify:StartJob",
        "amplify:UpdateApp amplify:StartJob",
    ),
    "braket.amazonaws.com": ("braket:CreateJob",),
    "gamelift.amazonaws.com": ("gamelift:CreateBuild gamelift:CreateFleet",),
    "kinesisanalytics.amazonaws.com": (
        "kinesisanalytics:CreateApplication kinesisanalytics:StartApplication",
        "kinesisanalytics:UpdateApplication",
    ),
    "omics.amazonaws.com": ("omics:CreateWorkflow omics:StartRun",),
    "resources.cloudformation.amazonaws.com": (
        "cloudformation:RegisterType cloudformation:CreateResource",
        "cloudformation:RegisterType cloudformation:CreateStack",
    ),
    "servicecatalog.amazonaws.com": (
        "servicecatalog:CreateConstraint servicecatalog:ProvisionProduct",
    ),
    # These give the role's credentials to whomever the caller says.
    # https://docs.aws.amazon.com/rolesanywhere/latest/userguide/trust-model.html
    # https://docs.aws.amazon.com/eks/latest/userguide/pod-id-association.html
    # https://docs.aws.amazon.com/iot/latest/developerguide/authorizing-direct-aws.html
    "rolesanywhere.amazonaws.com": (
        "rolesanywhere:CreateTrustAnchor rolesanywhere:CreateProfile",
        "rolesanywhere:CreateTrustAnchor rolesanywhere:UpdateProfile",
    ),
    "pods.eks.amazonaws.com": (
        "eks:CreatePodIdentityAssociation",
        "eks:UpdatePodIdentityAssociation",
    ),
    "credentials.iot.amazonaws.com": (
        "iot:CreateRoleAlias iot:AttachPolicy",
        "iot:UpdateRoleAlias iot:AttachPolicy",
    ),
    # These sign requests to any service with the role.
    "appsync.amazonaws.com": (
        "appsync:CreateDataSource appsync:CreateResolver",
        "appsync:UpdateDataSource",
    ),
    # These read or write buckets as the caller says.
    "databrew.amazonaws.com": (
        "databrew:CreateProfileJob databrew:StartJobRun",
        "databrew:CreateRecipeJob databrew:StartJobRun",
    ),
    "dms.amazonaws.com": ("dms:CreateEndpoint dms:CreateReplicationTask dms:StartReplicationTask",),
    "batchoperations.s3.amazonaws.com": ("s3:CreateJob",),
    "access-grants.s3.amazonaws.com": ("s3:CreateAccessGrantsLocation s3:CreateAccessGrant",),
    "datasync.amazonaws.com": (
        "datasync:CreateLocationS3 datasync:CreateTask datasync:StartTaskExecution",
    ),
    "transfer.amazonaws.com": ("transfer:CreateUser", "transfer:UpdateUser"),
    "backup.amazonaws.com": ("backup:StartRestoreJob",),
    "rds.amazonaws.com": ("rds:AddRoleToDBInstance", "rds:AddRoleToDBCluster"),
    "redshift.amazonaws.com": ("redshift:ModifyClusterIamRoles", "redshift:CreateCluster"),
    "appstream.amazonaws.com": (
        "appstream:CreateFleet",
        "appstream:UpdateFleet",
        "appstream:CreateImageBuilder",
        "appstream:CreateAppBlockBuilder",
        "appstream:UpdateAppBlockBuilder",
    ),
}


def _passing() -> tuple[Way, ...]:
    return tuple(
        Way((("iam:PassRole", PASSED), *((action, SOME) for action in together.split())), service)
        for service, ways in _RUNS_WITH_A_ROLE.items()
        for together in ways
    )


CAPABILITIES: dict[str, tuple[Way, ...]] = {
    READ_FILES: _each("s3", OBJECTS, "GetObject GetObjectVersion"),
    LIST_FILES: _each("s3", LISTING, "ListBucket ListBucketVersions"),
    CHANGE_FILES: _each(
        "s3",
        OBJECTS,
        "PutObject DeleteObject DeleteObjectVersion PutObjectAcl PutObjectVersionAcl "
        "ReplicateObject ReplicateDelete BypassGovernanceRetention UpdateObjectEncryption",
    ),
    UNPROTECT: (
        *_each(
            "s3",
            BUCKET,
            "PutBucketPolicy DeleteBucketPolicy PutBucketAcl PutBucketPublicAccessBlock "
            "PutBucketOwnershipControls PutEncryptionConfiguration PutLifecycleConfiguration "
            "PutReplicationConfiguration PutBucketVersioning PutBucketLogging "
            "PutBucketObjectLockConfiguration PutInventoryConfiguration DeleteBucket",
        ),
        *_each("s3", ANY, "PutAccountPublicAccessBlock"),
        *(
            Way(((f"s3:Create{kind}", ACCESS_POINT), (f"s3:Put{kind}Policy", ACCESS_POINT)))
            for kind in ("AccessPoint", "MultiRegionAccessPoint")
        ),
        *_each("s3", LISTED_POINT, "PutAccessPointPolicy"),
    ),
    # Starting, stopping and tagging change no protection.
    ADMINISTER: (
        *_each("appstream", new("stack"), "CreateStack"),
        *_each(
            "appstream",
            "stack",
            "UpdateStack DeleteStack CreateEntitlement UpdateEntitlement DeleteEntitlement "
            "AssociateApplicationToEntitlement DisassociateApplicationFromEntitlement "
            "BatchAssociateUserStack BatchDisassociateUserStack CreateThemeForStack "
            "UpdateThemeForStack DeleteThemeForStack",
        ),
        *_each(
            "appstream",
            ANY,
            "CreateUser EnableUser DisableUser DeleteUser CreateDirectoryConfig "
            "UpdateDirectoryConfig DeleteDirectoryConfig CreateUsageReportSubscription DeleteUsageReportSubscription",
        ),
    ),
    CHANGE_SESSIONS: (
        *_each("appstream", "stack", "AssociateFleet DisassociateFleet", every("fleet")),
        *_each("appstream", new("fleet"), "CreateFleet"),
        *_each("appstream", "fleet", "UpdateFleet DeleteFleet"),
        *_each(
            "appstream",
            "fleet",
            "AssociateApplicationFleet DisassociateApplicationFleet",
            every("application"),
        ),
        *_each(
            "appstream",
            "image",
            "CopyImage CreateUpdatedImage DeleteImage UpdateImagePermissions DeleteImagePermissions",
        ),
        *_each("appstream", ANY, "CreateImportedImage CreateExportImageTask CreateAppBlock"),
        *_each("s3", SOURCE, "PutObject"),
        *_each(
            "appstream",
            new("image-builder"),
            "CreateImageBuilder",
            every("image"),
        ),
        *_each(
            "appstream",
            "image-builder",
            "UpdateImageBuilder DeleteImageBuilder AssociateSoftwareToImageBuilder "
            "DisassociateSoftwareFromImageBuilder StartSoftwareDeploymentToImageBuilder",
        ),
        *_each("appstream", "app-block", "CreateApplication DeleteAppBlock"),
        *_each("appstream", "application", "UpdateApplication DeleteApplication"),
        *_each("appstream", new("app-block-builder"), "CreateAppBlockBuilder"),
        *_each("appstream", "app-block-builder", "UpdateAppBlockBuilder DeleteAppBlockBuilder"),
        *_each(
            "appstream",
            "app-block",
            "AssociateAppBlockBuilderAppBlock DisassociateAppBlockBuilderAppBlock",
            every("app-block-builder"),
        ),
    ),
    MINT: (
        *_each(
            "appstream",
            "stack",
            "CreateStreamingURL",
            every("fleet"),
        ),
        *_each("appstream", "stack", "Stream"),
        *_each("appstream", "image-builder", "CreateImageBuilderStreamingURL"),
        *_each("appstream", "app-block-builder", "CreateAppBlockBuilderStreamingURL"),
    ),
    GIVE_RIGHTS: (
        *_each(
            "iam",
            USER,
            "AttachUserPolicy PutUserPolicy PutUserPermissionsBoundary "
            "DeleteUserPermissionsBoundary CreateAccessKey CreateLoginProfile UpdateLoginProfile",
        ),
        *_each("iam", GROUP, "AttachGroupPolicy PutGroupPolicy AddUserToGroup"),
        *_each(
            "iam",
            ROLE,
            "AttachRolePolicy PutRolePolicy UpdateAssumeRolePolicy PutRolePermissionsBoundary "
            "DeleteRolePermissionsBoundary",
        ),
        *_each("iam", POLICY, "CreatePolicyVersion SetDefaultPolicyVersion"),
        *_each("iam", PROVIDER, "UpdateSAMLProvider"),
        # Roles that trust a provider trust the next one of its name:
        # https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteSAMLProvider.html
        Way((("iam:DeleteSAMLProvider", PROVIDER), ("iam:CreateSAMLProvider", PROVIDER))),
        *_each("sts", ASSUMED, "AssumeRole"),
        *_passing(),
    ),
}

# The actions that read, list, change or erase files, earlier versions included. A policy denies
# them all where it closes the files to outsiders, or to plain HTTP.
FILES: tuple[Need, ...] = (
    *((f"s3:{action}", OBJECTS) for action in ("GetObject", "GetObjectVersion", "PutObject")),
    *((f"s3:{action}", OBJECTS) for action in ("DeleteObject", "DeleteObjectVersion")),
    *((f"s3:{action}", LISTING) for action in ("ListBucket", "ListBucketVersions")),
)

# The actions that decrypt or encrypt with a key, make, end or change grants and policy, or end the key.
# Who retires a grant, the grant alone decides:
# https://docs.aws.amazon.com/kms/latest/developerguide/grant-delete.html
KEYS: tuple[Need, ...] = tuple(
    (f"kms:{action}", KEY)
    for action in [
        "Decrypt",
        "Encrypt",
        "GenerateDataKey",
        "GenerateDataKeyWithoutPlaintext",
        "GenerateDataKeyPair",
        "GenerateDataKeyPairWithoutPlaintext",
        "ReEncryptFrom",
        "ReEncryptTo",
        "CreateGrant",
        "RevokeGrant",
        "PutKeyPolicy",
        "DisableKey",
        "ScheduleKeyDeletion",
        "DeleteImportedKeyMaterial",
    ]
)


def actions(*capabilities: str) -> tuple[str, ...]:
    """Return every action of the capabilities once, in their order."""
    ways = (way for name in capabilities for way in CAPABILITIES[name])
    return tuple(dict.fromkeys(action for way in ways for action, _ in way.needs))
