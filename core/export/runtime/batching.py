"""Photos of many requests answered in few passes: what arrives within some milliseconds shares one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np


class Batcher:
    """Collects prepared photos and asks the networks for them together, one pass at a time.

    ask: uint8 (n, H, W, 3) -> (folds, n, classes). batch: most photos of a pass. wait: seconds from the first photo of
    a pass until it begins with what is there. seen(n): told the photos of each pass.
    """

    def __init__(
        self, ask: Callable[[np.ndarray], np.ndarray], batch: int, wait: float, seen: Callable[[int], None]
    ) -> None:
        self.ask, self.batch, self.wait, self.seen = ask, batch, wait, seen
        self._queue: asyncio.Queue[tuple[np.ndarray, asyncio.Future]] = asyncio.Queue()
        self._thread = ThreadPoolExecutor(1, "answer")

    async def answers(self, photos: Sequence[np.ndarray]) -> list[np.ndarray]:
        """What the folds say of each photo, (folds, classes) each. Raises what `ask` raises."""
        loop = asyncio.get_running_loop()
        futures = []
        for photo in photos:
            futures.append(loop.create_future())
            self._queue.put_nowait((photo, futures[-1]))
        return list(await asyncio.gather(*futures))

    async def work(self) -> None:
        """Answer until cancelled."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                group = await self._collect()
                self.seen(len(group))
                try:
                    photos = np.stack([photo for photo, _ in group])
                    of_folds = await loop.run_in_executor(self._thread, self.ask, photos)
                except Exception as error:  # whatever it is, those who wait have to hear of it
                    for _, future in group:
                        if not future.done():
                            future.set_exception(error)
                    continue
                for place, (_, future) in enumerate(group):
                    if not future.done():
                        future.set_result(of_folds[:, place])
        finally:
            self._thread.shutdown(wait=False, cancel_futures=True)

    async def _collect(self) -> list[tuple[np.ndarray, asyncio.Future]]:
        loop = asyncio.get_running_loop()
        group = [await self._queue.get()]
        begins = loop.time() + self.wait
        while len(group) < self.batch:
            if not self._queue.empty():
                group.append(self._queue.get_nowait())
                continue
            try:
                async with asyncio.timeout_at(begins):
                    group.append(await self._queue.get())
            except TimeoutError:
                break
        return group
