"""What the rest of Tillbridge may ask of the audit: write, seal, verify, prune, erase."""

from audit.erasing import Erased, Request, erase
from audit.pruning import Pruned, prune
from audit.sealing import seal
from audit.verification import Verification, verify
from audit.writing import AuditEntry, write, write_many, write_with

__all__ = [
    "AuditEntry",
    "Erased",
    "Pruned",
    "Request",
    "Verification",
    "erase",
    "prune",
    "seal",
    "verify",
    "write",
    "write_many",
    "write_with",
]
