"""How a package gets those that read DICOM and HEIC pictures: as core/data/pictures/decoders.py, without a lab."""

PYDICOM, PI_HEIF = "pydicom==3.0.2", "pi-heif==1.4.0"  # as the lab's extras pin them
DICOM_REMEDY = f"Install the package that reads them: python -m pip install {PYDICOM} (or export each slice as PNG)."
HEIC_REMEDY = f"Install it: python -m pip install {PI_HEIF} (or convert the photo to JPEG)."
