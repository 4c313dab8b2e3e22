"""Keys. One master key wraps the others; each other key is random and does one thing.

- The *master key* (32 bytes) lies in `keys/master.key`, mode 600, or comes from JINKU_MASTER_KEY or the command in
  JINKU_MASTER_KEY_COMMAND. It wraps and does nothing else.
- The *key store* `keys/keys.json` holds, wrapped with AES-256-GCM under the master key, one data key for each layer,
  the key `received` that wraps the file keys of received bytes, and the *root secret*.
- From the root secret come, by name (`derived_key`), the keys whose results must last: pseudonyms, signing, entity
  hashes. It is `Vault.master`, and no rotation changes it: a new root would make everybody's pseudonym another.

Rotation (`rotate_master`) wraps all of them under a new master key and replaces the key store at once. Whoever holds
the old master key *and* a copy of the old key store has the data keys of that day; new ones for the layers
(`vault.layer_rotation`) keep them out of what the layers hold from then on. The root secret and `received` stay.
"""

import os
from collections.abc import Mapping

from vault.home import Home
from vault.keys.derivation import derived_key
from vault.keys.master import MASTER_KEY_BYTES, MasterSource, master_key, master_source
from vault.keys.opening import LAYERS, OpenKeys, create_keys, open_keys, settle_keys
from vault.keys.rotation import rotate_master

__all__ = [
    "LAYERS",
    "MASTER_KEY_BYTES",
    "MasterSource",
    "OpenKeys",
    "create_master_key",
    "derived_key",
    "master_key",
    "master_source",
    "open_keys",
    "rotate_master",
    "settle_keys",
]


def create_master_key(home: Home, environment: Mapping[str, str] = os.environ) -> None:
    """Make the home's keys, where they are not there: the master key, if it comes from a file, and the key store.

    A home that holds encrypted layers but no key is refused rather than given a new one: raises JinkuError `key_lost`,
    and as `open_keys` does.
    """
    create_keys(home, master_source(environment))
