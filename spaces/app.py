"""The public demo of ARR-COC on Hugging Face Spaces; made by `arr-coc space`."""

from arr_coc.apps.demo import build_demo
from arr_coc.apps.pages import launch_options

page = build_demo("nano", max_upload_mb=20)

if __name__ == "__main__":
    page.launch(**launch_options(20))
