"""IAM, enforced in front of moto."""
