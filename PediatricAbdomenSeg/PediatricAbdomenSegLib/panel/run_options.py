"""Model, device, organs and the advanced options on the page Segment, between widgets and parameter node."""

from __future__ import annotations

from typing import Any

from slicer.i18n import tr as _

from ..engine.errors import ModelError
from ..engine.inference.estimate import typical_seconds
from ..engine.models.nnunet_folder import available_configurations
from ..engine.models.store import Bundle
from ..engine.organs import OrganType, organ_by_key
from ..engine.runtime.hardware import Device, Hardware, device_words
from ..scene.parameters import ALL, OWN
from .model_card import model_line, short_card_html
from .organ_choice import possible_choices
from .session import Session
from .toolkit import blocked_signals, qt, read_setting, write_setting

OWN_ORGANS_SETTING = "OwnOrgans"


class RunOptions:
    """Fills the choosers and writes what the user picks.

    Args:
        ui: widgets of Resources/UI/SegmentPage.ui.
        session: what the pages share.
    """

    def __init__(self, ui: Any, session: Session) -> None:
        self.ui = ui
        self._session = session
        ui.modelComboBox.connect("activated(int)", self._pick_model)
        ui.organChoiceComboBox.connect("activated(int)", self._pick_organ_choice)
        ui.organListWidget.connect("itemChanged(QListWidgetItem*)", self._pick_organs)
        self._write_picks(ui.deviceComboBox, "device")
        self._write_picks(ui.configurationComboBox, "configuration")
        self._write_picks(ui.mirroringComboBox, "mirror")
        self._write_picks(ui.resultComboBox, "replace_organs")

    def refresh(self) -> None:
        """Show the parameters; nothing is shown as chosen while there are none."""
        parameters = self._session.parameters
        if parameters is None:
            return
        bundle = self._session.models.find(parameters.model)
        self._show_models(parameters.model, bundle)
        self._show_devices(parameters.device, bundle)
        self._show_organs(parameters, bundle)
        fill(self.ui.configurationComboBox, configuration_items(bundle), parameters.configuration)
        mirroring = [(_("As the model was trained"), True), (_("Off (faster)"), False)]
        fill(self.ui.mirroringComboBox, mirroring, parameters.mirror)
        results = [(_("Keep it; make a new one"), False), (_("Replace the chosen organs in it"), True)]
        fill(self.ui.resultComboBox, results, parameters.replace_organs)

    def _show_models(self, name: str, bundle: Bundle | None) -> None:
        items = [(model_line(known.manifest), known.manifest.name) for known in self._session.models.bundles]
        if bundle is None:
            items.append((_("{name} (not on this computer)").format(name=name), name))
        fill(self.ui.modelComboBox, items, name)
        self.ui.modelCardLabel.text = short_card_html(bundle.manifest) if bundle else ""
        self.ui.modelCardLabel.visible = bundle is not None

    def _show_devices(self, device: str, bundle: Bundle | None) -> None:
        hardware = self._session.hardware
        fill(self.ui.deviceComboBox, device_items(hardware, device), device)
        has_interpreter = bool(self._session.settings.interpreter)
        self.ui.deviceFoundLabel.text = device_found_text(hardware, device, has_interpreter, bundle)

    def _show_organs(self, parameters: Any, bundle: Bundle | None) -> None:
        available = tuple(bundle.manifest.organs.values()) if bundle else ()
        titles = {
            ALL: _("All the model finds ({count})").format(count=len(available)),
            OrganType.TYPE1: _("Type 1: contoured by clinicians"),
            OrganType.TYPE2: _("Type 2: derived"),
            OWN: _("Own choice"),
        }
        items = [(titles[choice], choice) for choice in possible_choices(available)]
        fill(self.ui.organChoiceComboBox, items, parameters.organ_choice)
        self.ui.organListWidget.visible = parameters.organ_choice == OWN
        show_organs(self.ui.organListWidget, available, parameters.own_organs.split())

    def _write_picks(self, combo_box: Any, name: str) -> None:
        def write(index: int) -> None:
            if self._session.parameters is not None:
                setattr(self._session.parameters, name, combo_box.itemData(index))

        combo_box.connect("activated(int)", write)

    def _pick_model(self, index: int) -> None:
        parameters = self._session.parameters
        if parameters is None:
            return
        name = self.ui.modelComboBox.itemData(index)
        bundle = self._session.models.find(name)
        parameters.model_sha256 = bundle.sha256 if bundle else ""
        parameters.configuration = ""
        parameters.model = name

    def _pick_organ_choice(self, index: int) -> None:
        parameters = self._session.parameters
        if parameters is None:
            return
        choice = self.ui.organChoiceComboBox.itemData(index)
        if choice == OWN and not parameters.own_organs:
            parameters.own_organs = read_setting(OWN_ORGANS_SETTING)
        parameters.organ_choice = choice

    def _pick_organs(self, item: Any) -> None:
        keys = " ".join(ticked_organs(self.ui.organListWidget))
        write_setting(OWN_ORGANS_SETTING, keys)
        if self._session.parameters is not None:
            self._session.parameters.own_organs = keys


def fill(combo_box: Any, items: list[tuple[str, Any]], value: Any) -> None:
    """Make a chooser hold ``items`` (text, value) with one of them chosen, without a signal; no work when it does."""
    now = [(combo_box.itemText(index), combo_box.itemData(index)) for index in range(combo_box.count)]
    with blocked_signals(combo_box):
        if now != items:
            combo_box.clear()
            for text, data in items:
                combo_box.addItem(text, data)
        values = [data for _text, data in items]
        combo_box.currentIndex = values.index(value) if value in values else -1


def show_organs(list_widget: Any, available: tuple[str, ...], ticked: Any) -> None:
    """Make a list hold organs with ticks, without a signal."""
    with blocked_signals(list_widget):
        now = [list_widget.item(row).data(qt.Qt.UserRole) for row in range(list_widget.count)]
        if now != list(available):
            list_widget.clear()
            for key in available:
                item = qt.QListWidgetItem(organ_by_key(key).display_name)
                item.setData(qt.Qt.UserRole, key)
                list_widget.addItem(item)
        for row, key in enumerate(available):
            list_widget.item(row).setCheckState(qt.Qt.Checked if key in ticked else qt.Qt.Unchecked)


def ticked_organs(list_widget: Any) -> tuple[str, ...]:
    """Keys of the ticked organs, in the list's order."""
    items = [list_widget.item(row) for row in range(list_widget.count)]
    return tuple(item.data(qt.Qt.UserRole) for item in items if item.checkState() == qt.Qt.Checked)


def configuration_items(bundle: Bundle | None) -> list[tuple[str, str]]:
    """The model's configurations; the empty one leaves the choice to the engine."""
    items = [(_("Automatic"), "")]
    if bundle is not None:
        try:
            items += [(name, name) for name in available_configurations(bundle.folder)]
        except ModelError:
            return items  # the checks before a run say what is wrong with the bundle
    return items


def device_items(hardware: Hardware | None, chosen: str) -> list[tuple[str, str]]:
    """Devices to choose from; the chosen one stays among them, also when it is not known here."""
    items = [(_("Automatic"), "auto")]
    items += [(device_words(device), device.name) for device in (hardware.devices if hardware else ())]
    if "cpu" not in [name for _text, name in items]:
        items.append((_("CPU"), "cpu"))
    if chosen not in [name for _text, name in items]:
        items.append((chosen, chosen))
    return items


def device_found_text(hardware: Hardware | None, wanted: str, has_interpreter: bool, bundle: Bundle | None) -> str:
    """What the choice of a device comes to."""
    if hardware is None:
        if has_interpreter:
            return _("What this computer has is found out at the first run, or by the self-test on the page Runtime.")
        return _("No worker is set up yet: name a Python on the page Runtime.")
    device = hardware.device(wanted)
    if device is None:
        return _("No usable device was found.")
    return _("Found: {device}").format(device=device_words(device, expected_seconds(bundle, device)))


def expected_seconds(bundle: Bundle | None, device: Device) -> float | None:
    """How long a typical case takes; None when that cannot be told."""
    try:
        return typical_seconds(bundle, device) if bundle is not None else None
    except ModelError:
        return None
