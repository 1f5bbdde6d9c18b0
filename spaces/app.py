"""The public demo of ARR-COC on Hugging Face Spaces; made by `arr-coc space`."""

from arr_coc.apps.demo import build_demo
from arr_coc.apps.pages import serve

if __name__ == "__main__":
    serve(build_demo("nano", max_upload_mb=20), max_upload_mb=20)
