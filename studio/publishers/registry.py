"""The destinations by name. A publisher's module is imported when it is used."""

from __future__ import annotations

from studio.domain.errors import BadInput
from studio.domain.text import one_line
from studio.publishers.base import Publisher

NAMES = ("folder", "zip", "git", "github", "appwrite", "supabase")
"""What `publisher = "..."` in `[publish.<name>]` may say."""


def publisher(name: str) -> Publisher:
    """The publisher of that name. Raises BadInput naming those there are."""
    match name:
        case "folder":
            from studio.publishers.folder import FolderPublisher

            return FolderPublisher()
        case "zip":
            from studio.publishers.zip_file import ZipPublisher

            return ZipPublisher()
        case "git":
            from studio.publishers.git_repo import GitPublisher

            return GitPublisher()
        case "github":
            from studio.publishers.github import GithubPublisher

            return GithubPublisher()
        case "appwrite":
            from studio.publishers.appwrite import AppwritePublisher

            return AppwritePublisher()
        case "supabase":
            from studio.publishers.supabase import SupabasePublisher

            return SupabasePublisher()
        case _:
            raise BadInput(f"There is no publisher {one_line(name, 40)!r}: there are {', '.join(NAMES)}.")
