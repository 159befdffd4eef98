! SPDX-FileCopyrightText: 2026 nopal developers
! SPDX-License-Identifier: BSD-3-Clause

!> nopal from Fortran 2018, over the C interface (nopal/nopal.h, which says what each function does).
!!
!!     use nopal
!!     type(nopal_model) :: model
!!     status = nopal_initialise()                          ! MPI is initialised already
!!     status = nopal_load(comm, 'flow.safetensors', nopal_double, model)
!!     status = nopal_set_box(model, extents, first, last)  ! points first(a) to last(a), from 1
!!     do ...
!!       status = nopal_infer(model, x, y)                  ! x(i, j, k, c), y(i, j, k, c)
!!     end do
!!     status = nopal_destroy(model)
!!     status = nopal_finalise()
!!
!! Functions return nopal_success or a kind of error; nopal_error() is then the text. `comm` is an
!! integer as `use mpi` has it, or comm%mpi_val of `use mpi_f08`. Fields are arrays of the precision
!! of the model (others are an error) with an index for each axis, the channel last; with one channel
!! that index may be missing. Of their shape the size is checked. Sections such as w(2:n, :) are
!! copied by the compiler for each call.
module nopal
  use, intrinsic :: iso_c_binding, only: c_associated, c_char, c_double, c_f_pointer, c_float, c_int, &
       c_int64_t, c_loc, c_null_char, c_null_ptr, c_ptr, c_size_t
  use nopal_c_interface
  implicit none
  private

  integer, parameter, public :: nopal_success = 0, nopal_error_argument = 1, nopal_error_state = 2, &
       nopal_error_model = 3, nopal_error_busy = 4, nopal_error_other = 5
  integer, parameter, public :: nopal_float = 0, nopal_double = 1
  integer, parameter, public :: nopal_row_major = 0, nopal_column_major = 1
  integer, parameter, public :: nopal_host = 0, nopal_device = 1
  integer, parameter, public :: nopal_input = 0, nopal_output = 1

  !> A model on a communicator.
  type, public :: nopal_model
    private
    type(c_ptr) :: handle = c_null_ptr
  end type nopal_model

  !> The training of a model from a running simulation.
  type, public :: nopal_trainer
    private
    type(c_ptr) :: handle = c_null_ptr
  end type nopal_trainer

  public :: nopal_initialise, nopal_finalise, nopal_error, nopal_version, nopal_commit, &
       nopal_configuration
  public :: nopal_load, nopal_create, nopal_save, nopal_destroy, nopal_channels, nopal_field, &
       nopal_grid, nopal_axis, nopal_metadata, nopal_set_metadata, nopal_set_box, &
       nopal_set_memory, nopal_infer, nopal_functions, nopal_function_size, nopal_infer_points
  public :: nopal_trainer_create, nopal_trainer_destroy, nopal_trainer_add, nopal_trainer_error, &
       nopal_trainer_step, nopal_trainer_set_learning_rate, nopal_trainer_counts, &
       nopal_trainer_save, nopal_trainer_restore

  !> nopal_infer(model, x, y): y := the output for the input x on this rank's box. Collective.
  interface nopal_infer
    module procedure infer_float, infer_double
  end interface nopal_infer

  !> nopal_infer_points(model, functions, points, y): the output y(c, p) at points(a, p) for the
  !! values of all input functions, one after another. Local.
  interface nopal_infer_points
    module procedure infer_points_float, infer_points_double
  end interface nopal_infer_points

  !> nopal_trainer_add(trainer, x, y): takes a copy of a sample. Collective.
  interface nopal_trainer_add
    module procedure add_float, add_double
  end interface nopal_trainer_add

  !> nopal_trainer_error(trainer, x, y, error): the relative L2 error on a sample. Collective.
  interface nopal_trainer_error
    module procedure error_float, error_double
  end interface nopal_trainer_error

contains

  integer function nopal_initialise()
    nopal_initialise = c_initialise()
  end function nopal_initialise

  integer function nopal_finalise()
    nopal_finalise = c_finalise()
  end function nopal_finalise

  !> The text of the last error; empty if there was none.
  function nopal_error() result(text)
    character(len=:), allocatable :: text
    text = text_of(c_error_text())
  end function nopal_error

  !> `major.minor.patch` of the library, its commit, its compiler and settings.
  function nopal_version() result(text)
    character(len=:), allocatable :: text
    text = text_of(c_version())
  end function nopal_version
  function nopal_commit() result(text)
    character(len=:), allocatable :: text
    text = text_of(c_commit())
  end function nopal_commit
  function nopal_configuration() result(text)
    character(len=:), allocatable :: text
    text = text_of(c_configuration())
  end function nopal_configuration

  !> Reads a model file for the ranks of `comm`. Collective.
  integer function nopal_load(comm, path, precision, model)
    integer, intent(in) :: comm, precision
    character(len=*), intent(in) :: path
    type(nopal_model), intent(inout) :: model
    nopal_load = c_load(int(comm, c_int), c_text(path), int(precision, c_int), model%handle)
  end function nopal_load

  !> A model to be trained: an operator by its name, with options in JSON ('': defaults). Collective.
  integer function nopal_create(comm, name, configuration, precision, model, seed)
    integer, intent(in) :: comm, precision
    character(len=*), intent(in) :: name, configuration
    type(nopal_model), intent(inout) :: model
    integer, intent(in), optional :: seed
    integer(c_int64_t) :: wide_seed
    wide_seed = 0
    if (present(seed)) wide_seed = seed
    nopal_create = c_create(int(comm, c_int), c_text(name), c_text(configuration), &
         int(precision, c_int), wide_seed, model%handle)
  end function nopal_create

  !> Writes a model file. Collective.
  integer function nopal_save(model, path)
    type(nopal_model), intent(in) :: model
    character(len=*), intent(in) :: path
    nopal_save = c_save(model%handle, c_text(path))
  end function nopal_save

  integer function nopal_destroy(model)
    type(nopal_model), intent(inout) :: model
    nopal_destroy = c_destroy(model%handle)
  end function nopal_destroy

  !> Channels of the input and of the output.
  integer function nopal_channels(model, in, out)
    type(nopal_model), intent(in) :: model
    integer, intent(out) :: in, out
    integer(c_int64_t) :: wide_in, wide_out
    wide_in = 0
    wide_out = 0
    nopal_channels = c_channels(model%handle, wide_in, wide_out)
    in = int(wide_in)
    out = int(wide_out)
  end function nopal_channels

  !> Name and unit of channel `channel`, from 1, of nopal_input or nopal_output; empty if not known.
  integer function nopal_field(model, side, channel, name, unit)
    type(nopal_model), intent(in) :: model
    integer, intent(in) :: side, channel
    character(len=:), allocatable, intent(out) :: name, unit
    type(c_ptr) :: name_pointer, unit_pointer
    name_pointer = c_null_ptr
    unit_pointer = c_null_ptr
    nopal_field = c_field(model%handle, int(side, c_int), int(channel - 1, c_int64_t), name_pointer, &
         unit_pointer)
    name = text_of(name_pointer)
    unit = text_of(unit_pointer)
  end function nopal_field

  !> Points along each axis of the training data; none if not known.
  integer function nopal_grid(model, extents)
    type(nopal_model), intent(in) :: model
    integer, allocatable, intent(out) :: extents(:)
    integer(c_int) :: axes
    integer(c_int64_t) :: wide(3)
    axes = 0
    wide = 0
    nopal_grid = c_grid(model%handle, axes, wide)
    extents = int(wide(1:axes))
  end function nopal_grid

  !> Axis `axis`, from 1, of that grid: its name, the ends of the domain, their unit.
  integer function nopal_axis(model, axis, name, low, high, unit)
    type(nopal_model), intent(in) :: model
    integer, intent(in) :: axis
    character(len=:), allocatable, intent(out) :: name, unit
    real(c_double), intent(out) :: low, high
    type(c_ptr) :: name_pointer, unit_pointer
    name_pointer = c_null_ptr
    unit_pointer = c_null_ptr
    low = 0
    high = 0
    nopal_axis = c_axis(model%handle, int(axis - 1, c_int), name_pointer, low, high, unit_pointer)
    name = text_of(name_pointer)
    unit = text_of(unit_pointer)
  end function nopal_axis

  !> What is known of the model under a key; an empty text if there is nothing.
  integer function nopal_metadata(model, key, text)
    type(nopal_model), intent(in) :: model
    character(len=*), intent(in) :: key
    character(len=:), allocatable, intent(out) :: text
    type(c_ptr) :: value
    value = c_null_ptr
    nopal_metadata = c_metadata(model%handle, c_text(key), value)
    text = text_of(value)
  end function nopal_metadata

  !> Sets it, on all ranks, to be saved with the model.
  integer function nopal_set_metadata(model, key, text)
    type(nopal_model), intent(in) :: model
    character(len=*), intent(in) :: key, text
    nopal_set_metadata = c_set_metadata(model%handle, c_text(key), c_text(text))
  end function nopal_set_metadata

  !> This rank has the points first(a), ..., last(a), counted from 1, of extents(a) along axis a;
  !! fields are in the order of Fortran unless `layout` says otherwise. Collective.
  integer function nopal_set_box(model, extents, first, last, layout)
    type(nopal_model), intent(in) :: model
    integer, intent(in) :: extents(:), first(:), last(:)
    integer, intent(in), optional :: layout
    integer(c_int64_t) :: n(3), begin(3), end(3)
    integer :: d, order
    order = nopal_column_major
    if (present(layout)) order = layout
    d = size(extents)
    n = 0
    begin = 0
    end = 0
    if (size(first) == d .and. size(last) == d .and. d <= 3) then
      n(1:d) = extents
      begin(1:d) = first - 1
      end(1:d) = last
    else
      d = 0  ! refused, on all ranks
    end if
    nopal_set_box = c_set_box(model%handle, int(d, c_int), n, begin, end, int(order, c_int))
  end function nopal_set_box

  !> Where arrays are: nopal_host, nopal_device.
  integer function nopal_set_memory(model, memory)
    type(nopal_model), intent(in) :: model
    integer, intent(in) :: memory
    nopal_set_memory = c_set_memory(model%handle, int(memory, c_int))
  end function nopal_set_memory

  integer function infer_float(model, x, y)
    type(nopal_model), intent(in) :: model
    real(c_float), intent(in), target, contiguous :: x(..)
    real(c_float), intent(inout), target, contiguous :: y(..)
    infer_float = c_check_precision(model%handle, int(nopal_float, c_int))
    if (infer_float /= nopal_success) return
    infer_float = c_infer(model%handle, c_loc(x), size(x, kind=c_size_t), c_loc(y), &
         size(y, kind=c_size_t))
  end function infer_float

  integer function infer_double(model, x, y)
    type(nopal_model), intent(in) :: model
    real(c_double), intent(in), target, contiguous :: x(..)
    real(c_double), intent(inout), target, contiguous :: y(..)
    infer_double = c_check_precision(model%handle, int(nopal_double, c_int))
    if (infer_double /= nopal_success) return
    infer_double = c_infer(model%handle, c_loc(x), size(x, kind=c_size_t), c_loc(y), &
         size(y, kind=c_size_t))
  end function infer_double

  !> Input functions and coordinates of a point of an operator on points; 0 functions: it is none.
  integer function nopal_functions(model, functions, coordinates)
    type(nopal_model), intent(in) :: model
    integer, intent(out) :: functions, coordinates
    integer(c_int) :: narrow_functions, narrow_coordinates
    narrow_functions = 0
    narrow_coordinates = 0
    nopal_functions = c_functions(model%handle, narrow_functions, narrow_coordinates)
    functions = narrow_functions
    coordinates = narrow_coordinates
  end function nopal_functions

  !> Values of input function `function`, from 1.
  integer function nopal_function_size(model, function, values)
    type(nopal_model), intent(in) :: model
    integer, intent(in) :: function
    integer, intent(out) :: values
    integer(c_int64_t) :: wide
    wide = 0
    nopal_function_size = c_function_size(model%handle, int(function - 1, c_int), wide)
    values = int(wide)
  end function nopal_function_size

  integer function infer_points_float(model, functions, points, y)
    type(nopal_model), intent(in) :: model
    real(c_float), intent(in), target, contiguous :: functions(:), points(:,:)
    real(c_float), intent(inout), target, contiguous :: y(:,:)
    infer_points_float = c_check_precision(model%handle, int(nopal_float, c_int))
    if (infer_points_float /= nopal_success) return
    infer_points_float = c_infer_points(model%handle, c_loc(functions), &
         size(functions, kind=c_size_t), c_loc(points), size(points, kind=c_size_t), c_loc(y), &
         size(y, kind=c_size_t), int(nopal_row_major, c_int))
  end function infer_points_float

  integer function infer_points_double(model, functions, points, y)
    type(nopal_model), intent(in) :: model
    real(c_double), intent(in), target, contiguous :: functions(:), points(:,:)
    real(c_double), intent(inout), target, contiguous :: y(:,:)
    infer_points_double = c_check_precision(model%handle, int(nopal_double, c_int))
    if (infer_points_double /= nopal_success) return
    infer_points_double = c_infer_points(model%handle, c_loc(functions), &
         size(functions, kind=c_size_t), c_loc(points), size(points, kind=c_size_t), c_loc(y), &
         size(y, kind=c_size_t), int(nopal_row_major, c_int))
  end function infer_points_double

  !> A training of the model on the box that it has; options in JSON, '' for the defaults. Collective.
  integer function nopal_trainer_create(model, options, trainer)
    type(nopal_model), intent(in) :: model
    character(len=*), intent(in) :: options
    type(nopal_trainer), intent(inout) :: trainer
    nopal_trainer_create = c_trainer_create(model%handle, c_text(options), trainer%handle)
  end function nopal_trainer_create

  integer function nopal_trainer_destroy(trainer)
    type(nopal_trainer), intent(inout) :: trainer
    nopal_trainer_destroy = c_trainer_destroy(trainer%handle)
  end function nopal_trainer_destroy

  integer function add_float(trainer, x, y)
    type(nopal_trainer), intent(in) :: trainer
    real(c_float), intent(in), target, contiguous :: x(..), y(..)
    add_float = c_trainer_check_precision(trainer%handle, int(nopal_float, c_int))
    if (add_float /= nopal_success) return
    add_float = c_trainer_add(trainer%handle, c_loc(x), size(x, kind=c_size_t), c_loc(y), &
         size(y, kind=c_size_t))
  end function add_float

  integer function add_double(trainer, x, y)
    type(nopal_trainer), intent(in) :: trainer
    real(c_double), intent(in), target, contiguous :: x(..), y(..)
    add_double = c_trainer_check_precision(trainer%handle, int(nopal_double, c_int))
    if (add_double /= nopal_success) return
    add_double = c_trainer_add(trainer%handle, c_loc(x), size(x, kind=c_size_t), c_loc(y), &
         size(y, kind=c_size_t))
  end function add_double

  integer function error_float(trainer, x, y, error)
    type(nopal_trainer), intent(in) :: trainer
    real(c_float), intent(in), target, contiguous :: x(..), y(..)
    real(c_double), intent(out) :: error
    error = 0
    error_float = c_trainer_check_precision(trainer%handle, int(nopal_float, c_int))
    if (error_float /= nopal_success) return
    error_float = c_trainer_error(trainer%handle, c_loc(x), size(x, kind=c_size_t), c_loc(y), &
         size(y, kind=c_size_t), error)
  end function error_float

  integer function error_double(trainer, x, y, error)
    type(nopal_trainer), intent(in) :: trainer
    real(c_double), intent(in), target, contiguous :: x(..), y(..)
    real(c_double), intent(out) :: error
    error = 0
    error_double = c_trainer_check_precision(trainer%handle, int(nopal_double, c_int))
    if (error_double /= nopal_success) return
    error_double = c_trainer_error(trainer%handle, c_loc(x), size(x, kind=c_size_t), c_loc(y), &
         size(y, kind=c_size_t), error)
  end function error_double

  !> Takes `steps` steps; `loss` is their mean. Collective.
  integer function nopal_trainer_step(trainer, steps, loss)
    type(nopal_trainer), intent(in) :: trainer
    integer, intent(in) :: steps
    real(c_double), intent(out), optional :: loss
    real(c_double) :: mean
    mean = 0
    nopal_trainer_step = c_trainer_step(trainer%handle, int(steps, c_int64_t), mean)
    if (present(loss)) loss = mean
  end function nopal_trainer_step

  !> The learning rate of the steps to come. Collective.
  integer function nopal_trainer_set_learning_rate(trainer, rate)
    type(nopal_trainer), intent(in) :: trainer
    real(c_double), intent(in) :: rate
    nopal_trainer_set_learning_rate = c_trainer_rate(trainer%handle, rate)
  end function nopal_trainer_set_learning_rate

  !> Samples that came and steps that were taken.
  integer function nopal_trainer_counts(trainer, samples, steps)
    type(nopal_trainer), intent(in) :: trainer
    integer, intent(out) :: samples, steps
    integer(c_int64_t) :: wide_samples, wide_steps
    wide_samples = 0
    wide_steps = 0
    nopal_trainer_counts = c_trainer_counts(trainer%handle, wide_samples, wide_steps)
    samples = int(wide_samples)
    steps = int(wide_steps)
  end function nopal_trainer_counts

  !> Writes the model with the state of the training; puts both back. Collective.
  integer function nopal_trainer_save(trainer, path)
    type(nopal_trainer), intent(in) :: trainer
    character(len=*), intent(in) :: path
    nopal_trainer_save = c_trainer_save(trainer%handle, c_text(path))
  end function nopal_trainer_save
  integer function nopal_trainer_restore(trainer, path)
    type(nopal_trainer), intent(in) :: trainer
    character(len=*), intent(in) :: path
    nopal_trainer_restore = c_trainer_restore(trainer%handle, c_text(path))
  end function nopal_trainer_restore

  pure function c_text(text) result(terminated)
    character(len=*), intent(in) :: text
    character(len=:, kind=c_char), allocatable :: terminated
    terminated = trim(text)//c_null_char
  end function c_text

  function text_of(pointer) result(text)
    type(c_ptr), intent(in) :: pointer
    character(len=:), allocatable :: text
    character(kind=c_char), pointer :: letters(:)
    integer :: i
    if (.not. c_associated(pointer)) then
      text = ''
      return
    end if
    call c_f_pointer(pointer, letters, [c_strlen(pointer)])
    allocate (character(len=size(letters)) :: text)
    do i = 1, size(letters)
      text(i:i) = letters(i)
    end do
  end function text_of

end module nopal
