"""IAM's evaluation logic: may this principal do this action on this resource, in three values.

The package is pure: it reads policy documents and answers. It knows nothing of snapshots, tables or
controls. SCPs, RCPs, session policies, VPC endpoint policies and ACLs are not seen here.

References
----------
AWS, IAM User Guide, "Policy evaluation logic" and "IAM JSON policy elements reference".
"""
