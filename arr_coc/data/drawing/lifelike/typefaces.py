"""Typefaces of the lifelike pictures: where they come from, under which licence, and which are held out.

The package ships none of them. Debian's font packages carry most (`apt_line` names them), matplotlib brings the
fallbacks. A typeface is chosen by name among all that are listed, so that a seed chooses the same one everywhere;
where its file is missing the fallback of its style stands in, and `fonts_version` says so.
"""

from __future__ import annotations

import warnings
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from arr_coc.data.drawing.fonts import font_folder
from arr_coc.quoting import quoted

FONT_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
FALLBACK = {
    "sans": "DejaVuSans", "serif": "DejaVuSerif", "mono": "DejaVuSansMono", "narrow": "DejaVuSans-Bold",
    "pixel": "DejaVuSansMono", "display": "DejaVuSans-Bold", "hand": "STIXGeneralItalic",
}  # fmt: skip
LISTED = """
fonts-dejavu-core BitstreamVera sans DejaVuSans DejaVuSans-Bold
fonts-dejavu-core BitstreamVera mono DejaVuSansMono DejaVuSansMono-Bold
fonts-dejavu-core BitstreamVera serif DejaVuSerif DejaVuSerif-Bold
fonts-dejavu-extra BitstreamVera narrow DejaVuSansCondensed DejaVuSansCondensed-Bold DejaVuSerifCondensed
fonts-liberation OFL-1.1 sans LiberationSans-Regular LiberationSans-Bold LiberationSans-Italic
fonts-liberation OFL-1.1 mono LiberationMono-Regular LiberationMono-Bold
fonts-liberation OFL-1.1 serif LiberationSerif-Regular LiberationSerif-Bold LiberationSerif-Italic
fonts-liberation OFL-1.1 narrow LiberationSansNarrow-Regular LiberationSansNarrow-Bold
fonts-freefont-ttf GPL-3+FE mono FreeMono FreeMonoBold
fonts-freefont-ttf GPL-3+FE sans FreeSans FreeSansBold
fonts-roboto-unhinted Apache-2.0 sans Roboto-Regular Roboto-Medium Roboto-Bold Roboto-Light
fonts-roboto-unhinted Apache-2.0 narrow RobotoCondensed-Regular RobotoCondensed-Bold RobotoCondensed-Light
fonts-roboto-slab Apache-2.0 serif RobotoSlab-Regular RobotoSlab-Bold
*fonts-open-sans Apache-2.0 sans OpenSans-Regular OpenSans-Semibold OpenSans-Bold
*fonts-open-sans Apache-2.0 narrow OpenSans-CondBold OpenSans-CondLight
fonts-lato OFL-1.1 sans Lato-Regular Lato-Bold Lato-Light Lato-Black
fonts-noto-core OFL-1.1 sans NotoSans-Regular NotoSans-Bold
fonts-noto-core OFL-1.1 serif NotoSerif-Regular NotoSerif-Bold
fonts-noto-core OFL-1.1 mono NotoSansMono-Regular NotoSansMono-Bold
fonts-inter OFL-1.1 sans Inter-Regular Inter-Medium Inter-Bold
*fonts-cantarell OFL-1.1 sans Cantarell-Regular Cantarell-Bold
fonts-cabin OFL-1.1 sans Cabin-Regular Cabin-Bold
fonts-karla OFL-1.1 sans Karla-Regular Karla-Bold
fonts-dosis OFL-1.1 sans Dosis-Medium Dosis-Bold
fonts-play OFL-1.1 sans Play-Regular Play-Bold
fonts-manrope OFL-1.1 sans Manrope-Regular Manrope-Bold
fonts-opendin OFL-1.1 narrow OSP-DIN
fonts-osifont GPL-3+FE sans osifont
fonts-paratype ParaType sans PTS55F PTS75F
fonts-paratype ParaType narrow PTN57F PTN77F
*fonts-paratype ParaType mono PTM55F PTM75F
fonts-b612 OFL-1.1 mono B612Mono-Regular B612Mono-Bold
fonts-clear-sans Apache-2.0 sans ClearSans-Regular ClearSans-Bold
fonts-comic-neue OFL-1.1 hand ComicNeue-Regular ComicNeue-Bold
fonts-crosextra-carlito OFL-1.1 sans Carlito-Regular Carlito-Bold
fonts-crosextra-caladea Apache-2.0 serif Caladea-Regular Caladea-Bold
fonts-courier-prime OFL-1.1 mono Courier_Prime Courier_Prime_Bold
fonts-inconsolata OFL-1.0 mono Inconsolata
*fonts-hack BitstreamVera mono Hack-Regular Hack-Bold
fonts-firacode OFL-1.1 mono FiraCode-Regular FiraCode-Medium FiraCode-Bold
fonts-jetbrains-mono Apache-2.0 mono JetBrainsMono-Regular JetBrainsMono-Bold
fonts-anonymous-pro OFL-1.1 mono Anonymous_Pro Anonymous_Pro_B
fonts-agave MIT mono agave-r-autohinted agave-b-autohinted
*fonts-fantasque-sans OFL-1.1 mono FantasqueSansMono-Regular FantasqueSansMono-Bold
fonts-mononoki OFL-1.1 mono mononoki-Regular mononoki-Bold
fonts-monoid MIT mono Monoid-Regular Monoid-Bold
fonts-hermit OFL-1.1 mono Hermit-medium Hermit-bold
fonts-3270 BSD-3 mono 3270-Regular 3270SemiCondensed-Regular 3270Condensed-Regular
fonts-go BSD-3 mono Go-Mono Go-Mono-Bold
fonts-go BSD-3 sans Go-Regular Go-Bold
fonts-ocr-a GAP mono OCRA OCRABold OCRACondensed
*fonts-ocr-b GAP mono OCRB OCRBS
fonts-gnutypewriter OFL-1.1 mono GNUTypewriter
fonts-league-mono OFL-1.1 mono LeagueMono-Regular LeagueMono-Bold LeagueMono-NarrowRegular
fonts-mplus OFL-1.1 mono MplusCodeLatin50-Medium MplusCodeLatin60-Medium MplusCodeLatin50-Bold
fonts-urw-base35 AGPL-3+FE mono NimbusMonoPS-Regular NimbusMonoPS-Bold
fonts-urw-base35 AGPL-3+FE sans NimbusSans-Regular NimbusSans-Bold URWGothic-Book
fonts-urw-base35 AGPL-3+FE serif NimbusRoman-Regular NimbusRoman-Bold C059-Roman P052-Roman
*fonts-urw-base35 AGPL-3+FE narrow NimbusSansNarrow-Regular NimbusSansNarrow-Bold
fonts-cmu OFL-1.1 mono cmuntt cmunbtl
*fonts-cmu OFL-1.1 serif cmunrm cmunbx
fonts-ebgaramond OFL-1.1 serif EBGaramond12-Regular EBGaramond12-Bold
fonts-linuxlibertine OFL-1.1 serif LinLibertine_R LinLibertine_RB
fonts-linuxlibertine OFL-1.1 sans LinBiolinum_R LinBiolinum_RB
fonts-century-catalogue OFL-1.1 serif Century-Catalogue
*fonts-sil-charis OFL-1.1 serif CharisSIL-Regular CharisSIL-Bold
fonts-sil-gentiumplus OFL-1.1 serif GentiumPlus-Regular GentiumPlus-Bold
fonts-sil-andika OFL-1.1 sans Andika-Regular Andika-Bold
fonts-vollkorn OFL-1.1 serif Vollkorn-Regular Vollkorn-Bold
fonts-bebas-neue OFL-1.1 display BebasNeue-Bold BebasNeue-Regular
*fonts-allerta OFL-1.1 display allerta_medium
fonts-roadgeek MIT display RG2014B RG2014C RG2014D RG2014E RG2014EM RG2014F
fonts-national-park OFL-1.1 display NationalPark-Regular NationalPark-Heavy
*fonts-league-spartan OFL-1.1 display LeagueSpartan-Bold LeagueSpartan-Medium
fonts-ubuntu-title OFL-1.1 display Ubuntu-Title
fonts-comfortaa OFL-1.1 display Comfortaa-Bold Comfortaa-Regular
fonts-jura OFL-1.1 display Jura-Medium Jura-Bold
fonts-lobster OFL-1.1 display lobster
fonts-lobstertwo OFL-1.1 display LobsterTwo-Bold
fonts-sora OFL-1.1 display Sora-Regular Sora-Bold
*fonts-kaushanscript OFL-1.1 hand KaushanScript-Regular
fonts-dkg-handwriting OFL-1.1 hand dkg dkgBd
fonts-humor-sans OFL-1.1 hand Humor-Sans
fonts-adf-gillius GPL-2+FE narrow GilliusADF-Cond GilliusADF-BoldCond
fonts-adf-gillius GPL-2+FE sans GilliusADF-Regular GilliusADF-Bold
fonts-adf-universalis GPL-2+FE narrow UniversalisADFStd-Cond UniversalisADFStd-BoldCond
*fonts-adf-verana GPL-2+FE sans VeranaSans-Regular VeranaSans-Bold
fonts-adf-switzera GPL-2+FE narrow SwitzeraADF-Cond SwitzeraADF-BoldCond
fonts-routed-gothic OFL-1.1 narrow routed-gothic-narrow routed-gothic
fonts-tuffy public-domain sans Tuffy Tuffy_Bold
fonts-pc CC-BY-SA-4.0 pixel Px_IBM_VGA9@16 Px_IBM_CGA@8 Px_IBM_MDA@14 Px_IBM_BIOS@8
fonts-pc CC-BY-SA-4.0 pixel Px_PhoenixEGA_8x16@16 Px_ToshibaLCD_8x8@8
*fonts-pc CC-BY-SA-4.0 pixel Px_AmstradPC1512@8 Px_PhoenixEGA_9x14@14
fonts-terminus OFL-1.1 pixel TerminusTTF-4.46.0@16
*fonts-spleen BSD-2 pixel spleen-8x16@16 spleen-6x12@12
fonts-misaki misaki pixel misaki_gothic@8
fonts-dotgothic16 OFL-1.1 pixel DotGothic16-Regular@16
fonts-proggy MIT pixel ProggyTiny@16
"""


@dataclass(frozen=True)
class Typeface:
    """One font file.

    Attributes:
        stem: its name without suffix, blanks as underscores.
        style: a key of `FALLBACK`.
        unseen: held out of training.
        grid_px: size at which a pixel font is exact; 0 for outlines.
    """

    stem: str
    package: str
    licence: str
    style: str
    unseen: bool
    grid_px: int = 0


@lru_cache(maxsize=1)
def typefaces() -> tuple[Typeface, ...]:
    """All typefaces of the list, whether their files are here or not."""
    found = []
    for line in LISTED.strip().splitlines():
        package, licence, style, *stems = line.split()
        for stem in stems:
            name, _, grid = stem.partition("@")
            found.append(Typeface(name, package.lstrip("*"), licence, style, package[0] == "*", int(grid or 0)))
    return tuple(found)


@lru_cache(maxsize=32)
def choices(style: str, unseen: bool) -> tuple[Typeface, ...]:
    """Typefaces of a style, of one side of the split.

    Raises:
        ValueError: no such style.
    """
    if style not in FALLBACK:
        raise ValueError(f"style must be one of {', '.join(FALLBACK)}, got {quoted(style)}")
    return tuple(face for face in typefaces() if face.style == style and face.unseen == unseen)


@lru_cache(maxsize=1)
def font_files() -> dict[str, Path]:
    """Files of the listed typefaces that are here, by stem."""
    wanted = {face.stem for face in typefaces()}
    found: dict[str, Path] = {}
    for folder in (*FONT_FOLDERS, font_folder()):
        for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
            stem = path.stem.replace(" ", "_")
            if stem in wanted and path.suffix.lower() in (".ttf", ".otf"):
                found.setdefault(stem, path)
    return found


def file_of(face: Typeface) -> Path:
    """The file of a typeface, or of its style's fallback, which matplotlib ships."""
    path = font_files().get(face.stem)
    if path is None:
        tell_missing()
        return font_folder() / f"{FALLBACK[face.style]}.ttf"
    return path


@lru_cache(maxsize=1)
def tell_missing() -> None:
    """One line, once, that says what is missing and how to get it."""
    missing = sorted({face.package for face in typefaces() if face.stem not in font_files()})
    warnings.warn(
        f"{len(typefaces()) - len(font_files())} of {len(typefaces())} typefaces are missing, plain ones stand in: "
        f"apt-get install {' '.join(missing[:3])}{' ...' if len(missing) > 3 else ''} (arr-coc data fonts)",
        stacklevel=2,
    )


def apt_line() -> str:
    """The command that installs every typeface of the list on Debian."""
    return "apt-get install " + " ".join(sorted({face.package for face in typefaces()}))


@lru_cache(maxsize=1)
def fonts_version() -> str:
    """Eight hexadecimal digits of which files are here and how long they are: the same digits, the same pictures."""
    files = sorted((stem, path.stat().st_size) for stem, path in font_files().items())
    return f"{zlib.crc32(repr(files).encode()):08x}"
