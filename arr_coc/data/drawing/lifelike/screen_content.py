"""What stands in windows: files, settings, messages, programs."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from arr_coc.data.drawing.lifelike.vocabulary import Speaker, clock, date
from arr_coc.data.drawing.lifelike.world import JOBS, person
from arr_coc.data.drawing.words import listed

Value = Callable[[Random, Speaker], str]
APPS = listed(
    "Notepad|Browser|Terminal|Calendar|Photos|Spreadsheet|Text Editor|Mail|Updater|Disk Utility|Paint|Media Player|"
    "Backup|Calculator|Print Queue|Installer"
)
FOLDERS = listed(
    "Documents|Downloads|Pictures|Music|Desktop|Projects|Invoices|Archive|Videos|Home|Shared|Backup|Reports 2024|"
    "Photos|Work|Recent|Trash|Templates|Scans|Taxes"
)
DEVICES = listed("Laptop|Phone|Tablet|USB drive|NAS|Desktop PC|SD card|Cloud")
TASKS = listed(
    "systemd|kworker|explorer.exe|svchost.exe|python3|node|Xorg|bash|chrome|firefox|postgres|dbus-daemon|nginx|java|"
    "sshd|cron|docker|redis-server"
)
EXTENSIONS = {
    "pdf": "PDF document", "docx": "Word document", "xlsx": "Spreadsheet", "jpg": "JPEG image", "png": "PNG image",
    "txt": "Text file", "zip": "ZIP archive",
    "mp3": "MP3 audio", "mp4": "MP4 video", "csv": "CSV file", "py": "Python script", "pptx": "Presentation",
    "log": "Log file", "html": "Web page",
}  # fmt: skip
SUBJECTS = listed(
    "Your order has shipped|Meeting on Thursday|Invoice attached|Re: Holiday plans|Welcome to the team|"
    "Password reset|Lunch tomorrow?|Quarterly figures|"
    "Photos from Sunday|New sign-in to your account|Draft contract|Parking permit renewed|Your ticket for Friday|"
    "Weekly summary|Fwd: Minutes|Appointment reminder|"
    "Delivery delayed|Question about the rent|Course starts Monday|Thank you for your feedback|"
    "Server maintenance tonight|Updated price list"
)
WIFI = listed("HomeNet|FritzBox 7590|Cafe-Guest|eduroam|Office-5G|TP-Link_4A2C|Library WLAN|NETGEAR88")


def one_of(*options: str) -> Value:
    return lambda rng, speaker: rng.choice(options)


SETTINGS: tuple[tuple[str, Value | None], ...] = (
    ("Wi-Fi", lambda rng, speaker: rng.choice(WIFI)), ("Bluetooth", None), ("Airplane mode", None),
    ("Mobile data", None), ("Dark mode", None),
    ("Language", one_of("English (UK)", "English (US)", "Deutsch", "Français", "Español", "Italiano", "Nederlands",
    "Svenska")), ("Notifications", None),
    ("Brightness", lambda rng, speaker: f"{rng.randint(0, 100)}%"),
    ("Volume", lambda rng, speaker: f"{rng.randint(0, 100)}%"), ("Location", None),
    ("Time zone", one_of("UTC", "UTC+1", "Europe/Berlin", "Asia/Tokyo", "America/New_York")),
    ("Automatic updates", None), ("Screen lock", one_of("30 seconds", "1 minute", "5 minutes", "Never", "PIN",
    "Fingerprint")),
    ("Storage", lambda rng, speaker: f"{rng.randint(2, 63)} GB of {rng.choice((64, 128, 256, 512))} GB"),
    ("Version", lambda rng, speaker: f"{rng.randint(1, 17)}.{rng.randint(0, 9)}.{rng.randint(0, 40)}"),
    ("Model", lambda rng, speaker: f"{rng.choice('ABGSX')}{rng.randint(10, 9999)}"),
    ("Device name", lambda rng, speaker: f"{person(rng, speaker).split()[0]}'s phone"),
    ("Resolution", one_of("1920 x 1080", "2560 x 1440", "1366 x 768", "3840 x 2160")),
    ("Refresh rate", one_of("60 Hz", "75 Hz", "120 Hz", "144 Hz")), ("Night light", None),
    ("Default browser", one_of("Firefox", "Chromium", "Safari", "Edge", "Opera")), ("Battery saver", None),
    ("Hotspot", None), ("VPN", None), ("Keyboard", one_of("QWERTY", "QWERTZ", "AZERTY", "Dvorak")),
    ("Font size", one_of("Small", "Medium", "Large", "12 pt", "14 pt")),
    ("Last backup", lambda rng, speaker: f"{date(rng)}"), ("Alarm", lambda rng, speaker: clock(rng)),
    ("Ringtone", one_of("Aurora", "Bell", "Chimes", "Silent", "Marimba")),
    ("IP address", lambda rng, speaker: f"192.168.{rng.randint(0, 20)}.{rng.randint(2, 254)}"), ("Auto-save", None),
    ("Printer", one_of("Office-2", "LaserJet P1", "EPSON ET-2850", "None")),
    ("Paper size", one_of("A4", "Letter", "A5", "Legal")),
)  # fmt: skip


def file_name(rng: Random, speaker: Speaker) -> str:
    words = [speaker.word(["Report"]), rng.choice(JOBS).replace(" ", rng.choice(" _-"))]
    core = rng.choice((words[0], words[1].lower(), f"{words[0]}_{rng.randint(1, 99):02d}",
        f"{words[0].lower()}-{words[1].lower()}", f"IMG_{rng.randint(1000, 9999)}",
                       f"scan{rng.randint(1, 400):04d}", f"{words[1]} {rng.randint(2009, 2026)}",
                           f"{words[0].lower()}_v{rng.randint(1, 9)}"))  # fmt: skip
    return f"{core}.{rng.choice(list(EXTENSIONS))}"


def file_size(rng: Random) -> str:
    return rng.choice(
        (
            f"{rng.randint(1, 999)} KB",
            f"{rng.uniform(1, 99):.1f} MB",
            f"{rng.randint(1, 999)} MB",
            f"{rng.uniform(1, 9):.1f} GB",
            f"{rng.randint(1, 999)} bytes",
        )
    )


def stamp(rng: Random) -> str:
    return rng.choice((f"{date(rng)} {clock(rng)}", date(rng), f"{date(rng)}"))


def dialogs(rng: Random, speaker: Speaker) -> tuple[str, str, tuple[str, ...]]:
    """(title, message, buttons)."""
    name = file_name(rng, speaker)
    return rng.choice((
        ("Save changes?", f"Do you want to save the changes you made to {name}?", ("Save", "Don't save", "Cancel")),
        ("Delete file", f"Are you sure that you want to delete {name}? This cannot be undone.", ("Delete", "Keep")),
        ("Update available",
        f"Version {rng.randint(2, 20)}.{rng.randint(0, 9)} is ready to install. Your computer will restart.",
            ("Install now", "Later")),
        ("Error", f"The file {name} could not be opened. Error code {rng.randint(100, 9999)}.", ("OK",)),
        ("Low battery", f"{rng.randint(3, 12)}% of battery remaining. Plug in your device.",
        ("Close", "Battery saver")),
        ("Disk almost full", f"Only {rng.randint(1, 900)} MB are left on drive {rng.choice('CDEF')}:.",
        ("Free up space", "Ignore")),
        ("Connection lost",
        f"The server at 10.0.{rng.randint(0, 9)}.{rng.randint(2, 250)} did not answer within {rng.randint(5, 90)} s.",
         ("Retry", "Cancel")),
        ("Print", f"Print {rng.randint(2, 80)} pages of {name} on {rng.choice(('Office-2', 'LaserJet P1'))}?",
        ("Print", "Cancel")),
        ("Replace file?", f"A file named {name} already exists in this folder.", ("Replace", "Skip", "Keep both")),
        ("Meeting reminder", f"{rng.choice(JOBS)} with {person(rng, speaker)} starts at {clock(rng)}.",
        ("Dismiss", "Snooze")),
    ))  # fmt: skip
