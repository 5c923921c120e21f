"""Every route of imports."""

from litestar import Router

from api.http.imports import preview as import_preview
from api.http.imports import reads as import_reads
from api.http.imports import writes as import_writes

ROUTER = Router(
    "/v1",
    route_handlers=[
        import_writes.upload,
        import_writes.map_columns,
        import_writes.start,
        import_writes.cancel,
        import_writes.undo,
        import_preview.preview,
        import_reads.list_imports,
        import_reads.read_import,
        import_reads.follow,
        import_reads.read_errors,
    ],
)
