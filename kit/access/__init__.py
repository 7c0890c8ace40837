"""IAM's evaluation logic: whether a principal may do an action on a resource, in three values.

The package has no side effects. It evaluates policy documents alone and depends on no snapshot,
table or control. It does not evaluate SCPs, RCPs, session policies, VPC endpoint policies and ACLs.

References
----------
AWS, IAM User Guide, "Policy evaluation logic" and "IAM JSON policy elements reference".
"""
