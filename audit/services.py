"""What the rest of Tillbridge may ask of the audit: write, seal, verify, prune."""

from audit.pruning import Pruned, prune
from audit.sealing import seal
from audit.verification import Verification, verify
from audit.writing import AuditEntry, write, write_many

__all__ = ["AuditEntry", "Pruned", "Verification", "prune", "seal", "verify", "write", "write_many"]
