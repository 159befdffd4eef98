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
!! integer as `use mpi` has it, or comm%mpi_val of `use mpi_f08`. Fields are arrays with an index for
!! each axis, the channel last; with one channel that index may be missing.
module nopal
  use, intrinsic :: iso_c_binding, only: c_associated, c_char, c_double, c_f_pointer, c_float, c_int, &
       c_int64_t, c_loc, c_null_char, c_null_ptr, c_ptr, c_size_t
  implicit none
  private

  integer, parameter, public :: nopal_success = 0, nopal_error_argument = 1, nopal_error_state = 2, &
       nopal_error_model = 3, nopal_error_busy = 4, nopal_error_other = 5
  integer, parameter, public :: nopal_float = 0, nopal_double = 1

  !> A trained model on a communicator.
  type, public :: nopal_model
    private
    type(c_ptr) :: handle = c_null_ptr
  end type nopal_model

  public :: nopal_initialise, nopal_finalise, nopal_load, nopal_destroy, nopal_channels, &
       nopal_metadata, nopal_set_box, nopal_infer, nopal_error, nopal_version

  !> y := the output for the input x, contiguous arrays of the precision that the model was loaded
  !! with, on this rank's box. Collective.
  interface nopal_infer
    module procedure infer_float_1, infer_float_2, infer_float_3, infer_float_4
    module procedure infer_double_1, infer_double_2, infer_double_3, infer_double_4
  end interface nopal_infer

  interface
    integer(c_int) function c_initialise() bind(c, name='nopal_initialise')
      import :: c_int
    end function c_initialise
    integer(c_int) function c_finalise() bind(c, name='nopal_finalise')
      import :: c_int
    end function c_finalise
    integer(c_int) function c_load(comm, path, precision, model) bind(c, name='nopal_model_load_f')
      import :: c_char, c_int, c_ptr
      integer(c_int), value :: comm, precision
      character(kind=c_char), intent(in) :: path(*)
      type(c_ptr), intent(out) :: model
    end function c_load
    integer(c_int) function c_destroy(model) bind(c, name='nopal_model_destroy')
      import :: c_int, c_ptr
      type(c_ptr), intent(inout) :: model
    end function c_destroy
    integer(c_int) function c_channels(model, in, out) bind(c, name='nopal_model_channels')
      import :: c_int, c_int64_t, c_ptr
      type(c_ptr), value :: model
      integer(c_int64_t), intent(out) :: in, out
    end function c_channels
    integer(c_int) function c_metadata(model, key, text) bind(c, name='nopal_model_metadata')
      import :: c_char, c_int, c_ptr
      type(c_ptr), value :: model
      character(kind=c_char), intent(in) :: key(*)
      type(c_ptr), intent(out) :: text
    end function c_metadata
    integer(c_int) function c_set_box(model, dimension, extents, begin, end, layout) &
         bind(c, name='nopal_model_set_box')
      import :: c_int, c_int64_t, c_ptr
      type(c_ptr), value :: model
      integer(c_int), value :: dimension, layout
      integer(c_int64_t), intent(in) :: extents(*), begin(*), end(*)
    end function c_set_box
    integer(c_int) function c_infer(model, x, x_count, y, y_count) bind(c, name='nopal_model_infer')
      import :: c_int, c_ptr, c_size_t
      type(c_ptr), value :: model, x, y
      integer(c_size_t), value :: x_count, y_count
    end function c_infer
    type(c_ptr) function c_error_text() bind(c, name='nopal_error_text')
      import :: c_ptr
    end function c_error_text
    type(c_ptr) function c_version() bind(c, name='nopal_version')
      import :: c_ptr
    end function c_version
    integer(c_size_t) function c_strlen(text) bind(c, name='strlen')
      import :: c_ptr, c_size_t
      type(c_ptr), value :: text
    end function c_strlen
  end interface

contains

  integer function nopal_initialise()
    nopal_initialise = c_initialise()
  end function nopal_initialise

  integer function nopal_finalise()
    nopal_finalise = c_finalise()
  end function nopal_finalise

  !> Reads a model file for the ranks of `comm`. Collective.
  integer function nopal_load(comm, path, precision, model)
    integer, intent(in) :: comm, precision
    character(len=*), intent(in) :: path
    type(nopal_model), intent(inout) :: model
    nopal_load = c_load(int(comm, c_int), trim(path)//c_null_char, int(precision, c_int), model%handle)
  end function nopal_load

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

  !> What is known of the model under a key; an empty text if there is nothing.
  integer function nopal_metadata(model, key, text)
    type(nopal_model), intent(in) :: model
    character(len=*), intent(in) :: key
    character(len=:), allocatable, intent(out) :: text
    type(c_ptr) :: value
    value = c_null_ptr
    nopal_metadata = c_metadata(model%handle, trim(key)//c_null_char, value)
    text = text_of(value)
  end function nopal_metadata

  !> This rank has the points first(a), ..., last(a), counted from 1, of extents(a) along axis a.
  !! Collective.
  integer function nopal_set_box(model, extents, first, last)
    type(nopal_model), intent(in) :: model
    integer, intent(in) :: extents(:), first(:), last(:)
    integer, parameter :: column_major = 1
    integer(c_int64_t) :: n(3), begin(3), end(3)
    integer :: d
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
    nopal_set_box = c_set_box(model%handle, int(d, c_int), n, begin, end, int(column_major, c_int))
  end function nopal_set_box

  !> The text of the last error; empty if there was none.
  function nopal_error() result(text)
    character(len=:), allocatable :: text
    text = text_of(c_error_text())
  end function nopal_error

  !> `major.minor.patch` of the library.
  function nopal_version() result(text)
    character(len=:), allocatable :: text
    text = text_of(c_version())
  end function nopal_version

  function text_of(pointer) result(text)
    type(c_ptr), intent(in) :: pointer
    character(len=:), allocatable :: text
    character(kind=c_char), pointer :: letters(:)
    integer :: i
    text = ''
    if (.not. c_associated(pointer)) return
    call c_f_pointer(pointer, letters, [c_strlen(pointer)])
    deallocate (text)
    allocate (character(len=size(letters)) :: text)
    do i = 1, size(letters)
      text(i:i) = letters(i)
    end do
  end function text_of

  integer function infer_float_1(model, x, y)
    type(nopal_model), intent(in) :: model
    real(c_float), intent(in), target, contiguous :: x(:)
    real(c_float), intent(inout), target, contiguous :: y(:)
    infer_float_1 = c_infer(model%handle, c_loc(x), size(x, kind=c_size_t), c_loc(y), &
         size(y, kind=c_size_t))
  end function infer_float_1

  integer function infer_float_2(model, x, y)
    type(nopal_model), intent(in) :: model
    real(c_float), intent(in), target, contiguous :: x(:,:)
    real(c_float), intent(inout), target, contiguous :: y(:,:)
    infer_float_2 = c_infer(model%handle, c_loc(x), size(x, kind=c_size_t), c_loc(y), &
         size(y, kind=c_size_t))
  end function infer_float_2

  integer function infer_float_3(model, x, y)
    type(nopal_model), intent(in) :: model
    real(c_float), intent(in), target, contiguous :: x(:,:,:)
    real(c_float), intent(inout), target, contiguous :: y(:,:,:)
    infer_float_3 = c_infer(model%handle, c_loc(x), size(x, kind=c_size_t), c_loc(y), &
         size(y, kind=c_size_t))
  end function infer_float_3

  integer function infer_float_4(model, x, y)
    type(nopal_model), intent(in) :: model
    real(c_float), intent(in), target, contiguous :: x(:,:,:,:)
    real(c_float), intent(inout), target, contiguous :: y(:,:,:,:)
    infer_float_4 = c_infer(model%handle, c_loc(x), size(x, kind=c_size_t), c_loc(y), &
         size(y, kind=c_size_t))
  end function infer_float_4

  integer function infer_double_1(model, x, y)
    type(nopal_model), intent(in) :: model
    real(c_double), intent(in), target, contiguous :: x(:)
    real(c_double), intent(inout), target, contiguous :: y(:)
    infer_double_1 = c_infer(model%handle, c_loc(x), size(x, kind=c_size_t), c_loc(y), &
         size(y, kind=c_size_t))
  end function infer_double_1

  integer function infer_double_2(model, x, y)
    type(nopal_model), intent(in) :: model
    real(c_double), intent(in), target, contiguous :: x(:,:)
    real(c_double), intent(inout), target, contiguous :: y(:,:)
    infer_double_2 = c_infer(model%handle, c_loc(x), size(x, kind=c_size_t), c_loc(y), &
         size(y, kind=c_size_t))
  end function infer_double_2

  integer function infer_double_3(model, x, y)
    type(nopal_model), intent(in) :: model
    real(c_double), intent(in), target, contiguous :: x(:,:,:)
    real(c_double), intent(inout), target, contiguous :: y(:,:,:)
    infer_double_3 = c_infer(model%handle, c_loc(x), size(x, kind=c_size_t), c_loc(y), &
         size(y, kind=c_size_t))
  end function infer_double_3

  integer function infer_double_4(model, x, y)
    type(nopal_model), intent(in) :: model
    real(c_double), intent(in), target, contiguous :: x(:,:,:,:)
    real(c_double), intent(inout), target, contiguous :: y(:,:,:,:)
    infer_double_4 = c_infer(model%handle, c_loc(x), size(x, kind=c_size_t), c_loc(y), &
         size(y, kind=c_size_t))
  end function infer_double_4

end module nopal
