"""Public data sets as tasks: from the Hugging Face hub, or from a copy on disk.

A name alone (`docvqa`) is the hub's copy; `docvqa:PATH` is one on disk: what `save_to_disk` wrote, a snapshot of the
hub's repository, a folder of parquet or JSON Lines files, or one such file. Needs the extra `hub`.
"""

from __future__ import annotations

from arr_coc.data.hub.sources import DATA_SETS
from arr_coc.data.hub.task import HubTask, open_hub_task

__all__ = ["DATA_SETS", "HubTask", "open_hub_task"]
