"""Evidence packs for Amazon AppStream 2.0 under the GDPR, made from notebooks."""
