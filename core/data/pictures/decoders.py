"""How a lab gets the packages that read DICOM and HEIC pictures. A package of a run has words of its own for that."""

DICOM_REMEDY = (
    "Install the package that reads them, from the lab's folder: python -m pip install -e '.[dicom]' (or export each "
    "slice as PNG)."
)
HEIC_REMEDY = "Install it from the lab's folder: python -m pip install -e '.[heic]' (or convert the photo to JPEG)."
