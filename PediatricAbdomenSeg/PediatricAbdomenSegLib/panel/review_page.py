"""The page Review (Resources/UI/ReviewPage.ui): look at every organ, judge it, correct it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from slicer.i18n import tr as _

from ..engine.errors import PediatricAbdomenSegError
from ..scene import display, edit_tools
from ..scene.edit_history import last_step_name
from ..scene.review import ACCEPTED, NEEDS_EDIT, NOT_REVIEWED, OrganRow, organ_rows, set_review_state
from ..scene.segment_arrays import reference_volume
from .embedded_editor import EmbeddedEditor
from .organ_table import OrganTable
from .run_options import fill
from .segment_watch import SegmentWatch
from .session import Session
from .slice_views import axial_position_ras_mm, jump_to
from .toolkit import blocked_signals, qt, slicer, wait_cursor
from .wording import error_text, flags_text

_NEED_ORGANS = (
    *("organTable", "presetComboBox", "fillSlider", "show3DCheckBox", "previousButton", "nextButton"),
    *("toolsCollapsibleButton", "editorCollapsibleButton"),
)


class ReviewPage:
    """List, verdicts, tools and the embedded Segment Editor."""

    def __init__(self, widget: Any, session: Session, resource_path: Callable[[str], str]) -> None:
        self.ui = slicer.util.childWidgetVariables(widget)
        self._session = session
        self._preset = display.ALL
        self._problem = self._message = ""
        self._is_in_view = False
        self._shown: Any | None = None
        self._watch = SegmentWatch(self.read_segments)
        self._editor = EmbeddedEditor(self.ui.segmentEditorWidget, session.scene, self._on_editor_segment)
        icon = qt.QIcon(resource_path("Icons/Organs.png"))
        self._table = OrganTable(self.ui.organTable, self._on_selected, self.open_editor, self._on_visible, icon)
        self._fill_presets()
        self.ui.editorCollapsibleButton.connect("contentsCollapsed(bool)", lambda is_folded: self._use_editor())
        self.ui.presetComboBox.connect("activated(int)", self._on_preset)
        self.ui.fillSlider.connect("valueChanged(int)", self._on_fill)
        self.ui.show3DCheckBox.connect("clicked(bool)", self._on_3d)
        self._connect_verdicts()
        self._connect_tools()
        self._shortcuts = [
            self._shortcut(widget, "PgDown", lambda: self._table.step(1)),
            self._shortcut(widget, "PgUp", lambda: self._table.step(-1)),
        ]
        session.on_result(lambda node: self.read_segments() if node is self.segmentation else None)
        self.read_segments()

    @property
    def segmentation(self) -> Any | None:
        """The segmentation under review."""
        parameters = self._session.parameters
        return parameters.segmentation if parameters is not None else None

    def refresh(self) -> None:
        """Show another segmentation if another one is chosen; a chosen one is read again when it has changed."""
        if self.segmentation is not self._shown:
            self._shown = self.segmentation
            self._watch.watch(self._shown)
            self._show_display()
            self._message = ""
            self.read_segments()
            self._use_editor()

    def read_segments(self) -> None:
        """Read the segments anew; on a large CT this takes a moment."""
        self._watch.forget_changes()
        node = self.segmentation
        volume = reference_volume(node) if node is not None else None
        rows, self._problem = (), ""
        if node is None:
            self._problem = _("Segment a CT on the page Segment, or choose a segmentation above.")
        elif volume is None:
            self._problem = _("The CT of this segmentation is not in the scene any more.")
        else:
            try:
                with wait_cursor():
                    rows = organ_rows(node, volume, self._session.age_years(volume))
            except PediatricAbdomenSegError as error:
                self._problem = error_text(error)
        self._table.show(rows)
        for name in _NEED_ORGANS:
            getattr(self.ui, name).enabled = bool(rows)
        self._show_selected()

    def select(self, segment_id: str) -> None:
        """Choose an organ in the list."""
        self._table.select(segment_id)

    def announce(self, text: str) -> None:
        """Tell the user something that does not belong to the organ selected."""
        self._message = text
        self._show_selected()

    def enter(self) -> None:
        """The page came into view."""
        self._is_in_view = True
        self._use_editor()

    def exit(self) -> None:
        """Another page or another module is in view."""
        self._is_in_view = False
        self._use_editor()

    def forget_nodes(self) -> None:
        """The scene is about to close."""
        self._editor.forget_nodes()
        self._watch.watch(None)
        self._shown = None
        self._table.show(())

    def open_editor(self, row: OrganRow) -> None:
        """Edit a segment in the Segment Editor below the list."""
        self.ui.editorCollapsibleButton.collapsed = False
        self._editor.open(self.segmentation, reference_volume(self.segmentation), row.segment_id)

    def judge(self, state: str) -> None:
        """Give the selected organ a verdict; the same one again takes it back."""
        row = self._table.selected
        if row is not None:
            new_state = NOT_REVIEWED if row.review == state else state
            set_review_state(self.segmentation, row.segment_id, new_state)
            self._table.update([replace(row, review=new_state)])
            self._show_selected()

    def use_tool(self, tool: Callable[..., bool], *arguments: Any) -> None:
        """Apply a tool to the selected organ and say what came of it."""
        row = self._table.selected
        if row is None:
            self._say(_("Click an organ in the list first."))
            return
        self._editor.remember(self.segmentation)
        try:
            with wait_cursor():
                has_changed = tool(self.segmentation, row.segment_id, *arguments)
        except PediatricAbdomenSegError as error:
            self._say(error_text(error))
            return
        self._message = "" if has_changed else _("Nothing to change.")
        self.read_segments()

    def undo(self) -> None:
        """Take the last tool's change back."""
        if self.segmentation is not None:
            self._editor.remember(self.segmentation)
            edit_tools.undo_last(self.segmentation)
            self._message = ""
            self.read_segments()

    def _crop(self, side: str) -> None:
        position = axial_position_ras_mm(self._session.scene)
        if position is None:
            self._say(_("There is no axial slice view."))
            return
        self.use_tool(edit_tools.crop_beyond_slice, position, side)

    def _connect_verdicts(self) -> None:
        self.ui.acceptButton.connect("clicked()", lambda: self.judge(ACCEPTED))
        self.ui.needsEditButton.connect("clicked()", lambda: self.judge(NEEDS_EDIT))
        self.ui.nextButton.connect("clicked()", lambda: self._table.step(1))
        self.ui.previousButton.connect("clicked()", lambda: self._table.step(-1))

    def _connect_tools(self) -> None:
        tools = (
            (self.ui.keepLargestButton, edit_tools.keep_largest_piece),
            (self.ui.fillHolesButton, edit_tools.fill_holes),
            (self.ui.smoothButton, edit_tools.smooth_in_plane),
            (self.ui.interpolateButton, edit_tools.interpolate_between_slices),
            (self.ui.swapSidesButton, edit_tools.swap_sides),
            (self.ui.restoreButton, edit_tools.restore_model_result),
        )
        for button, tool in tools:
            button.connect("clicked()", lambda tool=tool: self.use_tool(tool))
        self.ui.cropAboveButton.connect("clicked()", lambda: self._crop(edit_tools.ABOVE))
        self.ui.cropBelowButton.connect("clicked()", lambda: self._crop(edit_tools.BELOW))
        self.ui.undoButton.connect("clicked()", self.undo)

    def _fill_presets(self) -> None:
        titles = {
            display.ALL: _("All organs"),
            display.TYPE1: _("Type 1"),
            display.TYPE2: _("Type 2"),
            display.PAIRS: _("Left/right pairs"),
            display.SELECTED: _("Only the selected"),
        }
        fill(self.ui.presetComboBox, [(titles[preset], preset) for preset in display.PRESETS], self._preset)

    def _on_preset(self, index: int) -> None:
        self._preset = self.ui.presetComboBox.itemData(index)
        self._apply_preset()

    def _apply_preset(self) -> None:
        node, selected = self.segmentation, self._table.selected
        try:
            display.apply_preset(node, self._preset, selected.segment_id if selected else None)
        except PediatricAbdomenSegError as error:
            self._say(error_text(error))
            return
        rows = self._table.rows
        self._table.update([replace(row, visible=display.is_segment_visible(node, row.segment_id)) for row in rows])

    def _on_fill(self, percent: int) -> None:
        if self.segmentation is not None:
            display.set_fill_opacity(self.segmentation, percent / 100)

    def _on_3d(self, is_on: bool) -> None:
        if self.segmentation is None:
            return
        try:
            with wait_cursor():
                display.show_3d(self.segmentation, is_on)
        except PediatricAbdomenSegError as error:
            self.ui.show3DCheckBox.checked = False
            self._say(error_text(error))

    def _on_selected(self, row: OrganRow) -> None:
        self._message = ""
        if row.centre_ras_mm is not None:
            jump_to(self._session.scene, row.centre_ras_mm)
        if self._preset == display.SELECTED:
            self._apply_preset()
        self._editor.follow(self.segmentation, reference_volume(self.segmentation), row.segment_id)
        self._show_selected()

    def _on_editor_segment(self, segmentation_node: Any, segment_id: str) -> None:
        """The list follows the editor: the tools must not change another organ than the one that is being edited."""
        if segmentation_node == self.segmentation:
            selected = self._table.selected
            if selected is None or selected.segment_id != segment_id:
                self._table.select(segment_id)

    def _use_editor(self) -> None:
        """The editor has its keys and its tools in the views only while it is to be seen, on what the list shows.

        Its own selectors are hidden: it must not stay on another segmentation, or on none.
        """
        if not self._is_in_view or self.ui.editorCollapsibleButton.collapsed:
            self._editor.exit()
            return
        self._editor.enter()
        rows, selected = self._table.rows, self._table.selected
        if selected is not None:
            self._editor.follow(self.segmentation, reference_volume(self.segmentation), selected.segment_id)
        elif rows:
            self._table.select(rows[0].segment_id)
        elif not self._editor.is_on(self.segmentation):
            self._editor.forget_nodes()

    def _show_display(self) -> None:
        node = self._shown
        if node is None:
            return
        with blocked_signals(self.ui.fillSlider):
            self.ui.fillSlider.value = round(100 * display.fill_opacity(node))
        self.ui.show3DCheckBox.checked = display.is_shown_3d(node)

    def _on_visible(self, row: OrganRow, is_visible: bool) -> None:
        display.set_segment_visible(self.segmentation, row.segment_id, is_visible)

    def _show_selected(self) -> None:
        row = self._table.selected
        verdicts = (
            (self.ui.acceptButton, ACCEPTED, _("Accept"), _("Accepted")),
            (self.ui.needsEditButton, NEEDS_EDIT, _("Needs edit"), _("Needs edit")),
        )
        for button, state, ask, said in verdicts:
            is_given = row is not None and row.review == state
            button.enabled = row is not None
            button.checked = is_given
            button.text = f"\u2713 {said}" if is_given else ask  # a pressed button hardly differs in a dark palette
        node = self.segmentation
        step = last_step_name(node) if node is not None else None
        self.ui.undoButton.enabled = step is not None
        self.ui.undoButton.text = _("Undo: {step}").format(step=step) if step else _("Undo")
        flags = f"{row.name}: {flags_text(row.flags)}" if row is not None and row.flags else ""
        self._say("\n".join(text for text in (self._problem, flags, self._message) if text))

    def _say(self, text: str) -> None:
        self.ui.flagsLabel.text = text
        self.ui.flagsLabel.visible = bool(text)

    @staticmethod
    def _shortcut(widget: Any, key: str, call: Callable[[], None]) -> Any:
        shortcut = qt.QShortcut(widget)
        shortcut.setKey(qt.QKeySequence(key))
        shortcut.setContext(qt.Qt.WidgetWithChildrenShortcut)
        shortcut.connect("activated()", call)
        return shortcut
